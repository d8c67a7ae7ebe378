#!/usr/bin/env bats
# What the directors ask an Nginx host: may buyers be sent to it? A wrong "yes" sends them to a host
# that cannot sell, a wrong "no" empties the pool in the rush.

load support/stack

setup_file() {
  start_stack 27900
}
teardown_file() {
  stop_stack
}
setup() {
  place_stack 27900
}

readiness_is() {
  [[ $(curl -s -o /dev/null -w '%{http_code}' --max-time 5 "$FRONT/readyz") == "$1" ]]
}

@test "it is ready while a node can be reached, though the ledger is down" {
  wait_until readiness_is 200
  kill_part redis
  kill_part node1
  kill_part node2
  kill_part node3
  wait_until readiness_is 200
  kill_part node4
  wait_until readiness_is 503
  request GET "$FRONT/readyz"
  assert_equal "$output" '{"status":"no node can be reached"}'
  request GET "$FRONT/healthz"
  assert_equal "$status" 200
  local part
  for part in redis node1 node2 node3 node4; do
    restart_part "$part"
  done
  wait_until readiness_is 200
}

@test "a node that is busy beyond all patience is reached all the same" {
  local node
  for node in node1 node2 node3 node4; do
    kill -STOP "$(part_pid "$node")"
  done
  request GET "$FRONT/readyz"
  for node in node1 node2 node3 node4; do
    kill -CONT "$(part_pid "$node")"
  done
  assert_equal "$status" 200
  assert_output --partial 'no node answered in time'
}

@test "nodes that are slow when they are asked lose no buyer by it" {
  wait_until readiness_is 200
  local node answers=''
  for node in node1 node2 node3 node4; do
    kill -STOP "$(part_pid "$node")"
  done
  # Each asks all four in vain. Five failures of a node are what Nginx leaves it alone for.
  for _ in {1..7}; do
    request GET "$FRONT/readyz"
    answers+=" $status"
  done
  for node in node1 node2 node3 node4; do
    kill -CONT "$(part_pid "$node")"
  done
  request GET "$FRONT/sales/none"
  assert_equal "$answers" ' 200 200 200 200 200 200 200'
  assert_answer 404 -5
}

@test "drained it is not ready and goes on serving, until it is taken back" {
  local marker=$STATE/nginx/drained
  wait_until readiness_is 200
  touch "$marker"
  # At once, not when a cache of file names says so.
  request GET "$FRONT/readyz"
  assert_equal "$status $output" '503 {"status":"drained"}'
  request GET "$FRONT/sales/none"
  assert_answer 404 -5
  rm "$marker"
  request GET "$FRONT/readyz"
  assert_equal "$status" 200
}

@test "no connection outlives ten seconds, and none is cut off: its end is announced" {
  run -0 timeout 60 bun --config="$ROOT/bunfig.toml" --no-env-file \
    "$ROOT/tests/stack/support/long-connection.ts" "$NGINX_PORT"
  # The answer that announces the end, and the age of the connection then.
  assert_output --regexp '^close after 1[0-2]s, [0-9]+ answers$'
}
