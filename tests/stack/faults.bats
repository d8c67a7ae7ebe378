#!/usr/bin/env bats
# Parts die in the middle of a sale: everything is still sold, once, and nobody is told an untruth.

load support/stack

setup_file() {
  # Durable: a killed Redis must not have forgotten what was acknowledged.
  start_stack 27300 --durability primary
}
teardown_file() {
  stop_stack
}
setup() {
  place_stack 27300
}
# The next test begins with a whole stack.
teardown() {
  local name
  for name in redis node1 node2 node3 node4 nginx; do
    "$SLUICE" status --state "$STATE" --json |
      jq -e --arg name "$name" '.parts[] | select(.name == $name) | .running' >/dev/null ||
      restart_part "$name"
  done
  wait_until stack_is_up
}

stack_is_up() {
  "$SLUICE" status --state "$STATE" >/dev/null
}

# begin_rush SALE [OPTIONS OF CROWD]: a crowd in the background, until sold out
begin_rush() {
  local sale=$1
  shift
  crowd "$FRONT/sales/$sale/orders" --until-sold-out --connections 20 "$@" \
    >"$BATS_TEST_TMPDIR/crowd.json" 3>&- &
  CROWD_PID=$!
}

# end_rush: waits for the crowd; its counts are in `output` then
end_rush() {
  wait "$CROWD_PID"
  output=$(cat "$BATS_TEST_TMPDIR/crowd.json")
  echo "crowd: $output"
}

# sold_between SALE LOW HIGH: the sale is in the middle
sold_between() {
  local held
  held=$(figure "$1" held)
  ((held > $2)) || return 1
  ((held < $3)) || fail "all of it was sold before the fault"
}

@test "a node that is killed in the middle of a sale leaves nothing unsold" {
  open_sale killed 20000
  begin_rush killed --keys killed
  wait_until sold_between killed 500 15000
  kill_part node4
  end_rush
  assert_equal "$(figure killed left)" 0
  # Everybody with a key was told in the end, each order once.
  assert_equal "$(field '[.sold, .duplicates, .neverDecided] | join(" ")')" "20000 0 0"
  run -0 books_balance killed
}

@test "Redis killed and started again in the middle of a sale: everything is sold, once" {
  open_sale restarted 20000
  begin_rush restarted --keys restarted
  wait_until sold_between restarted 500 15000
  kill_part redis
  restart_part redis
  end_rush
  assert_equal "$(figure restarted left)" 0
  assert_equal "$(field '[.sold, .duplicates, .neverDecided] | join(" ")')" "20000 0 0"
  run -0 books_balance restarted
}

@test "without Redis nobody is told sold out, and the nodes recover by themselves" {
  open_sale cut 5
  kill_part redis
  local round
  for round in {1..5}; do
    request POST "$FRONT/sales/cut/orders" -H "Idempotency-Key: cut-$round"
    [[ $status == 503 || $status == 202 ]] || fail "status $status: $output"
    assert_header retry-after '[0-9]+'
    [[ $(field .code) == -4 || $(field .code) == 0 ]] || fail "$output"
  done
  restart_part redis
  wait_until stack_is_up
  run -0 crowd "$FRONT/sales/cut/orders" --until-sold-out --keys cut
  assert_equal "$(field .sold)" 5
}

@test "with all nodes dead a purchase is busy, as nothing was sent, and comes back with them" {
  open_sale dead 5
  local node
  for node in 1 2 3 4; do
    kill_part "node$node"
  done
  request POST "$FRONT/sales/dead/orders"
  assert_answer 503 -4
  assert_header retry-after 1
  request GET "$FRONT/sales/dead"
  assert_answer 503 -4
  for node in 1 2 3 4; do
    restart_part "node$node"
  done
  run -0 crowd "$FRONT/sales/dead/orders" --until-sold-out --keys dead
  assert_equal "$(field .sold)" 5
}

@test "a node that hangs with a purchase: undecided, and where to ask; then the order is there" {
  open_sale hung 5
  local -a pids=()
  local node location
  for node in 1 2 3 4; do
    pids+=("$(part_pid "node$node")")
  done
  kill -STOP "${pids[@]}"
  request POST "$FRONT/sales/hung/orders" -H 'Idempotency-Key: hung-1'
  local with_key=$output with_key_status=$status with_key_headers=$headers
  request POST "$FRONT/sales/hung/orders"
  local without_key=$output without_key_status=$status without_key_headers=$headers
  kill -CONT "${pids[@]}"

  output=$with_key status=$with_key_status headers=$with_key_headers
  assert_answer 202 0
  assert_equal "$(field .data.key)" hung-1
  assert_header retry-after 1
  location=$(header location)
  assert_equal "$location" /sales/hung/requests/hung-1

  output=$without_key status=$without_key_status headers=$without_key_headers
  assert_answer 202 0
  local made_key
  made_key=$(field .data.key)
  assert_regex "$made_key" '^[0-9a-f]{32}$'
  assert_equal "$(header location)" "/sales/hung/requests/$made_key"

  # The same key again is harmless, and settles what the hung node left open.
  request POST "$FRONT/sales/hung/orders" -H 'Idempotency-Key: hung-1'
  assert_answer 201 1
  local order
  order=$(field .data.order)
  request GET "$FRONT$location"
  assert_answer 200 1
  assert_equal "$(field .data.order)" "$order"

  # The other one can be asked for as well: it was sold, or it never reached the node.
  request GET "$FRONT/sales/hung/requests/$made_key"
  assert_regex "$status" '^(200|404)$'
}

@test "Nginx killed and started again: the sale goes on" {
  open_sale fronted 20000
  begin_rush fronted --keys fronted
  wait_until sold_between fronted 500 15000
  kill_part nginx
  restart_part nginx
  end_rush
  assert_equal "$(field '[.sold, .duplicates, .neverDecided] | join(" ")')" "20000 0 0"
  run -0 books_balance fronted
}
