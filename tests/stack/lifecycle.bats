#!/usr/bin/env bats
# up, down and status: what they start, refuse, clear away and leave behind.

load support/stack

setup() {
  place_stack 27500
  # Whatever an earlier run, or another version of Redis, left here.
  "$SLUICE" down --state "$STATE" >/dev/null
  rm -rf -- "${STATE:?}"
}
teardown() {
  "$SLUICE" down --state "$STATE" >/dev/null
  if [[ -n ${FOREIGN_PID:-} ]]; then
    kill "$FOREIGN_PID"
    wait "$FOREIGN_PID" || true
  fi
}

# start_foreign PORT: a Redis that is none of ours
start_foreign() {
  redis-server --port "$1" --bind 127.0.0.1 --save '' --dir "$BATS_TEST_TMPDIR" \
    --logfile foreign.log 3>&- &
  FOREIGN_PID=$!
  wait_until redis_answers "$1"
}

redis_answers() {
  [[ $(redis-cli -p "$1" ping 2>&1) == PONG ]]
}

# No part listens any more, and no process has this state directory in its command line.
nothing_runs() {
  local port
  for port in "$NGINX_PORT" "$STATUS_PORT" "$REDIS_PORT" "$NODE_PORT" $((NODE_PORT + 1)) \
    $((NODE_PORT + 2)) $((NODE_PORT + 3)); do
    port_is_free "$port" || fail "something still listens on $port"
  done
  run pgrep -af -- "$STATE/"
  assert_output ''
}

port_is_free() {
  ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

@test "up says where everything is and what to do next; status calls it ready; down ends it" {
  run -0 "${UP[@]}"
  assert_output --partial "buy at $FRONT"
  assert_output --partial './sluice sale create tickets'
  run -0 "$SLUICE" status --state "$STATE"
  local part
  for part in nginx node1 node2 node3 node4 worker redis; do
    assert_line --regexp "^$part +127\.0\.0\.1:[0-9]+ .* ready "
  done
  run -0 "$SLUICE" status --state "$STATE" --json
  assert_equal "$(jq -c '[.up, (.parts | map(select(.ready)) | length)]' <<<"$output")" '[true,7]'
  run -0 "$SLUICE" down --state "$STATE"
  nothing_runs
  run -0 "$SLUICE" down --state "$STATE"
  assert_output --partial 'no stack is up'
  run -1 "$SLUICE" status --state "$STATE"
  assert_output --partial 'no stack is up'
}

@test "a second up is refused and leaves the first alone" {
  "${UP[@]}"
  local pid
  pid=$(part_pid redis)
  run -1 "${UP[@]}"
  assert_output --partial 'already up'
  assert_output --partial './sluice down'
  assert_equal "$(part_pid redis)" "$pid"
  run -0 "$SLUICE" status --state "$STATE"
}

@test "a Redis that is not ours is recognised, left alone, and nothing is started" {
  start_foreign "$REDIS_PORT"
  run -1 "${UP[@]}"
  assert_output --partial "a Redis (pid $FOREIGN_PID) answers on 127.0.0.1:$REDIS_PORT"
  assert_output --partial --redis-port
  redis_answers "$REDIS_PORT"
  port_is_free "$NODE_PORT"
  port_is_free "$NGINX_PORT"
}

@test "ports that somebody else has are named, with the option that changes them" {
  start_foreign "$NGINX_PORT"
  run -1 "${UP[@]}"
  assert_output --partial "127.0.0.1:$NGINX_PORT already"
  assert_output --partial --nginx-port
  port_is_free "$REDIS_PORT"
}

@test "if one part cannot start, the others are stopped and the end of its log is shown" {
  # A node refuses this value; up hands on what is set.
  run -1 env SLUICE_QUEUE_MAX=many "${UP[@]}"
  assert_output --partial 'SLUICE_QUEUE_MAX=many'
  assert_output --partial 'ended before it was ready'
  nothing_runs
  run -1 "$SLUICE" status --state "$STATE"
}

@test "status says which part is down, and its exit code says so too" {
  "${UP[@]}"
  kill_part node2
  run -1 "$SLUICE" status --state "$STATE"
  assert_line --regexp '^node2 .* down$'
  assert_line --regexp '^node3 .* ready '
}

@test "what a crash left of a stack is cleared away by the next up, which says so" {
  "${UP[@]}"
  kill_part redis
  kill_part node1
  local pid
  pid=$(part_pid node3)
  run -0 "${UP[@]}"
  assert_output --partial 'an earlier stack was not stopped properly'
  assert_output --partial 'redis, node1'
  refute [ "$(part_pid node3)" == "$pid" ]
  run -0 "$SLUICE" status --state "$STATE"
}

@test "workers that a killed Nginx left behind are ended by down" {
  "${UP[@]}"
  kill -KILL "$(part_pid nginx)"
  wait_until part_is_gone nginx
  # They still hold the port.
  refute port_is_free "$NGINX_PORT"
  run -0 "$SLUICE" down --state "$STATE"
  assert_output --partial 'left processes behind'
  nothing_runs
}

part_is_gone() {
  "$SLUICE" status --state "$STATE" --json |
    jq -e --arg name "$1" '.parts[] | select(.name == $name) | .running | not' >/dev/null
}

@test "a process that merely has the pid of an earlier part is not touched" {
  "${UP[@]}"
  sleep 600 3>&- &
  local innocent=$!
  kill_part node1
  jq --argjson pid "$innocent" \
    '(.processes[] | select(.name == "node1") | .identity.pid) = $pid' \
    "$STATE/stack.json" >"$BATS_TEST_TMPDIR/stack.json"
  cp "$BATS_TEST_TMPDIR/stack.json" "$STATE/stack.json"
  run -0 "$SLUICE" down --state "$STATE"
  kill -0 "$innocent"
  kill "$innocent"
}

@test "what was sold is still there after down and up, and gone after up --fresh" {
  "${UP[@]}" --fresh
  open_sale tickets 10
  request POST "$FRONT/buy/ticket" -H 'Idempotency-Key: kept'
  assert_answer 201 1
  local order
  order=$(field .data.order)
  "$SLUICE" down --state "$STATE"
  run -0 "${UP[@]}"
  assert_output --partial 'sale tickets: open, 9 of 10 tickets left'
  wait_until all_nodes_see tickets open
  request POST "$FRONT/buy/ticket" -H 'Idempotency-Key: kept'
  assert_equal "$(field .data.order)" "$order"
  "$SLUICE" down --state "$STATE"
  run -0 "${UP[@]}" --fresh
  assert_output --partial 'sale tickets: there is none yet'
}

@test "the payment secret is for its owner alone, and stays the same" {
  "${UP[@]}"
  local secret
  secret=$(cat "$STATE/payment-secret")
  assert_equal "${#secret}" 64
  assert_equal "$(stat -c %a "$STATE/payment-secret")" 600
  refute grep -rqF "$secret" "$STATE/stack.json" "$STATE/logs"
  "$SLUICE" down --state "$STATE"
  "${UP[@]}"
  assert_equal "$(cat "$STATE/payment-secret")" "$secret"
}

@test "Nginx has nothing to say against its configuration" {
  "${UP[@]}"
  run -0 env PATH="$PATH:/usr/sbin" nginx -p "$STATE/nginx/" -c conf/nginx.conf -e logs/error.log -t
  refute_output --partial warn
  refute_output --partial emerg
  assert_output --partial 'test is successful'
}

@test "Redis runs with the repository's file: append-only, nothing evicted, loopback" {
  "${UP[@]}" --durability primary
  assert_equal "$(redis_setting appendonly)" yes
  assert_equal "$(redis_setting maxmemory-policy)" noeviction
  assert_equal "$(redis_setting bind)" 127.0.0.1
  assert_equal "$(redis_setting save)" ''
}

redis_setting() {
  redis-cli -p "$REDIS_PORT" config get "$1" | sed -n 2p
}

@test "options that are misspelt or make no sense are refused, and nothing is started" {
  run -1 "${UP[@]}" --ngnix-port 1
  assert_output --partial 'no option --ngnix-port'
  run -1 "${UP[@]}" --durability strong
  assert_output --partial 'memory, primary, replica'
  run -1 "$SLUICE" up --state "$STATE" --node-port 27500 --nginx-port 27503
  assert_output --partial 'would both listen on 27503'
  run -1 "$SLUICE" up --state "$STATE" --node-port 65533
  assert_output --partial 'a port is from 1 to 65535'
  nothing_runs
}
