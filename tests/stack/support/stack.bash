# shellcheck shell=bash
# Loaded by every file here: a stack of the file's own, beside a user's, and how to talk to it.
# No two files share a base.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

ROOT=$(cd -- "$BATS_TEST_DIRNAME/../.." && pwd)
SLUICE=$ROOT/sluice
# Not bats' own temporary directory: if a run is cut off, the next one finds what it left and
# stops it.
STATE=$ROOT/.sluice/test/state/$(basename -- "$BATS_TEST_FILENAME" .bats)

# Waiting is bounded by this, in seconds; nothing here asserts how long something took.
PATIENCE=30

# place_stack BASE: the ports and addresses of a stack, without starting it. Each file has a hundred
# ports, of which a checkout takes twenty: the tests of two checkouts on one machine rarely meet.
place_stack() {
  local base=$(($1 + 20 * ($(cksum <<<"$ROOT" | cut -d ' ' -f 1) % 5)))
  NGINX_PORT=$base
  STATUS_PORT=$((base + 1))
  REDIS_PORT=$((base + 2))
  NODE_PORT=$((base + 11))
  FRONT=http://127.0.0.1:$NGINX_PORT
  REDIS=redis://127.0.0.1:$REDIS_PORT/0
  UP=("$SLUICE" up --state "$STATE" --nginx-port "$NGINX_PORT" --status-port "$STATUS_PORT"
    --redis-port "$REDIS_PORT" --node-port "$NODE_PORT")
  export NGINX_PORT STATUS_PORT REDIS_PORT NODE_PORT FRONT REDIS
}

# start_stack BASE [OPTIONS OF UP]: for setup_file. The ledger begins empty.
start_stack() {
  place_stack "$1"
  shift
  "$SLUICE" down --state "$STATE" >&2
  "${UP[@]}" --fresh "$@" >&2
}

# For teardown_file. What the parts wrote is shown if a test failed.
stop_stack() {
  "$SLUICE" down --state "$STATE" >&2
}

node_url() {
  echo "http://127.0.0.1:$((NODE_PORT + $1 - 1))"
}

# part_pid NAME
part_pid() {
  "$SLUICE" status --state "$STATE" --json | jq -er --arg name "$1" \
    '.parts[] | select(.name == $name) | .pid'
}

# kill_part NAME, restart_part NAME: as a fault and an operator would.
kill_part() {
  part kill "$1"
}
restart_part() {
  part restart "$1"
}
part() {
  bun --config="$ROOT/bunfig.toml" --no-env-file "$ROOT/tests/stack/support/part.ts" "$STATE" "$@"
}

# open_sale ID TOTAL [OPTIONS OF CREATE]: creates and opens a sale, and waits until each node that
# lives knows of it.
open_sale() {
  local sale=$1 total=$2
  shift 2
  "$SLUICE" sale create "$sale" --total "$total" --redis "$REDIS" "$@"
  "$SLUICE" sale open "$sale" --redis "$REDIS"
  wait_until all_nodes_see "$sale" open
}

all_nodes_see() {
  local node state
  for node in 1 2 3 4; do
    state=$(curl -s --max-time 5 "$(node_url "$node")/sales/$1" | jq -r '.state // "unknown"')
    # A node that was killed by the test does not count.
    [[ $state == "$2" || -z $state ]] || return 1
  done
}

# wait_until COMMAND...: runs it again and again until it succeeds, for PATIENCE at most.
wait_until() {
  local deadline=$((SECONDS + PATIENCE))
  until "$@"; do
    if ((SECONDS >= deadline)); then
      echo "waited $PATIENCE s in vain for: $*" >&2
      return 1
    fi
    sleep 0.05
  done
}

# request METHOD URL [OPTIONS OF CURL]: sets `status`, `output` (the body) and `headers`.
request() {
  local method=$1 url=$2 head=$BATS_TEST_TMPDIR/headers
  shift 2
  local -a as=(-X "$method")
  if [[ $method == HEAD ]]; then
    as=(--head)
  fi
  output=$(curl -sS --max-time 20 -D "$head" "${as[@]}" "$@" -- "$url")
  headers=$(tr -d '\r' <"$head")
  # The last one: a "100 Continue" may stand before it.
  status=$(awk '/^HTTP/ { status = $2 } END { print status }' <<<"$headers")
}

# assert_answer STATUS CODE: the contract's shape, and never HTML.
assert_answer() {
  assert_equal "$status" "$1"
  assert_header content-type 'application/json.*'
  refute_output --partial '<'
  assert_equal "$(jq -r '.code, (.msg | type), has("data")' <<<"$output" | paste -sd ' ')" \
    "$2 string true"
}

# assert_header NAME REGEX
assert_header() {
  local value
  value=$(header "$1")
  [[ $value =~ ^($2)$ ]] || fail "header $1 is '$value', not $2"
}

header() {
  awk -v name="${1,,}" -F': ' 'tolower($1) == name { sub(/^[^:]*: /, ""); print }' <<<"$headers"
}

# field FILTER: of the body of the last request
field() {
  jq -r "$1" <<<"$output"
}

# figure ID NAME: of a sale, as the ledger has it. A node may be a heartbeat behind.
figure() {
  "$SLUICE" sale show "$1" --redis "$REDIS" --json | jq -er ".$2"
}

# of_stack COMMAND...: a command of the operators, on this file's stack and its database
of_stack() {
  SLUICE_STATE=$STATE "$SLUICE" "$@"
}

# books_balance ID: ledger, stream and database held against each other
books_balance() {
  of_stack audit "$1"
}

# crowd URL [OPTIONS]: sends purchases, see crowd.ts; prints what came of them as JSON
crowd() {
  bun --config="$ROOT/bunfig.toml" --no-env-file "$ROOT/tests/stack/support/crowd.ts" "$@"
}
