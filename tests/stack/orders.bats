#!/usr/bin/env bats
# Orders behind a sale: they reach the database, are paid for or lapse, and the audit sees to it.

load support/stack

setup() {
  place_stack 27800
  DATABASE=sqlite://$STATE/orders.sqlite
}
teardown() {
  "$SLUICE" down --state "$STATE" >/dev/null
  if [[ -n ${POSTGRES_PID:-} ]]; then
    exec {POSTGRES_INPUT}>&-
    wait "$POSTGRES_PID" || true
  fi
}

# query STATEMENT: rows of the orders database, as JSON
query() {
  bun --config="$ROOT/bunfig.toml" --no-env-file "$ROOT/tests/stack/support/query.ts" \
    "$DATABASE" "$1"
}

# stored_states SALE: "STATE COUNT" of the database, a line each
stored_states() {
  query "SELECT state, COUNT(*) AS n FROM orders WHERE sale = '$1' GROUP BY state ORDER BY state" |
    jq -r '.[] | "\(.state) \(.n)"'
}

states_are() {
  [[ $(stored_states "$1") == "$2" ]]
}

# pay ORDER: confirms a payment, signed with the stack's secret
pay() {
  local body='{"method":"card"}' now signature
  now=$(date +%s)
  signature=$(printf '%s.%s' "$now" "$body" |
    openssl dgst -sha256 -hmac "$(cat "$STATE/payment-secret")" -r | cut -d ' ' -f 1)
  request POST "$FRONT/orders/$1/payment" -H "X-Sluice-Signature: t=$now,v1=$signature" -d "$body"
}

@test "while the worker is down the sale goes on, status says so, and the orders arrive later" {
  start_stack 27800
  open_sale rush 10
  kill_part worker
  run -1 "$SLUICE" status --state "$STATE"
  assert_line --regexp '^worker .* down$'
  request POST "$FRONT/sales/rush/orders"
  assert_answer 201 1
  run -1 of_stack audit rush --wait 0
  assert_line '  order 1: it is held, but the database does not have it'
  restart_part worker
  run -0 of_stack audit rush --wait 30
  assert_line 'the books balance'
  run -0 "$SLUICE" status --state "$STATE"
  assert_line --regexp '^worker +127\.0\.0\.1:[0-9]+ .* ready '
}

@test "an order is paid for through Nginx, another lapses and its ticket is sold again" {
  start_stack 27800
  open_sale rush 2 --hold 2
  request POST "$FRONT/sales/rush/orders"
  assert_answer 201 1
  pay "$(field .data.order)"
  assert_answer 200 1
  request POST "$FRONT/sales/rush/orders"
  assert_answer 201 1
  wait_until bought_again rush
  wait_until states_are rush $'held 1\npaid 1\nreleased 1'
  books_balance rush
}

bought_again() {
  [[ $(curl -s --max-time 20 -o /dev/null -w '%{http_code}' -X POST \
    "$FRONT/sales/$1/orders") == 201 ]]
}

@test "down lets the worker store what was sold before it stops it" {
  start_stack 27800
  open_sale rush 3000
  crowd "$FRONT/sales/rush/orders" --until-sold-out --connections 20
  "$SLUICE" down --state "$STATE"
  assert_equal "$(stored_states rush)" 'held 3000'
  # And the next stack goes on with the same books.
  "${UP[@]}"
  books_balance rush
  "$SLUICE" down --state "$STATE"
  "${UP[@]}" --fresh
  assert_equal "$(stored_states rush)" ''
}

@test "the audit names what was planted in the database" {
  start_stack 27800
  open_sale rush 5
  crowd "$FRONT/sales/rush/orders" --requests 10 --connections 2
  books_balance rush
  query 'DELETE FROM orders WHERE serial = 2'
  query "UPDATE orders SET state = 'paid', buyer = 'eve' WHERE serial = 4"
  run -1 of_stack audit rush --json "$BATS_TEST_TMPDIR/audit.json"
  assert_line 'the books do not balance: 3 differences'
  assert_line '  order 2: it is held, but the database does not have it'
  assert_line '  order 4: the database has state "paid", the ledger "held"'
  assert_line '  order 4: the database has buyer "eve", the ledger ""'
  run jq -c '[.verdict, .differenceCount, .database.orders, .database.missing]' \
    "$BATS_TEST_TMPDIR/audit.json"
  assert_output '["unbalanced",3,4,1]'
  run -2 of_stack audit rush --database "sqlite://$BATS_TEST_TMPDIR/none"
  assert_output --partial 'the orders could not be read'
  run -2 of_stack audit rush --database mysql://nobody
  assert_output --partial 'sqlite://path or postgres://'
}

@test "settings of a node and of a worker stand in one environment" {
  run -0 env SLUICE_SWEEP_MS=100 SLUICE_QUEUE_MAX=1000 "${UP[@]}"
  assert_output --partial 'worker and nodes are ready'
}

@test "up --database stores the orders in a PostgreSQL that is there" {
  start_postgres
  "${UP[@]}" --database "$DATABASE"
  open_sale "rush-$BASHPID" 500
  crowd "$FRONT/sales/rush-$BASHPID/orders" --until-sold-out --connections 10
  wait_until states_are "rush-$BASHPID" 'held 500'
  run -0 of_stack audit "rush-$BASHPID"
  assert_line --partial '500 orders in postgres://'
  assert_line 'the books balance'
  run -1 "${UP[@]}" --database "$DATABASE" --fresh
  assert_output --partial '--fresh forgets what was sold, but not what'
}

# Sets DATABASE; skips the test where there is no PostgreSQL.
start_postgres() {
  local input=$BATS_TEST_TMPDIR/input
  mkfifo "$input"
  bun --config="$ROOT/bunfig.toml" --no-env-file "$ROOT/tests/stack/support/postgres.ts" \
    <"$input" >"$BATS_TEST_TMPDIR/address" 3>&- &
  POSTGRES_PID=$!
  exec {POSTGRES_INPUT}>"$input"
  wait_until postgres_is_up_or_missing
  DATABASE=$(cat "$BATS_TEST_TMPDIR/address")
  [[ -n $DATABASE ]] || skip 'PostgreSQL is not installed: apt-get install postgresql'
}

postgres_is_up_or_missing() {
  [[ -s $BATS_TEST_TMPDIR/address ]] || ! kill -0 "$POSTGRES_PID" 2>/dev/null
}
