#!/usr/bin/env bats
# A ticket node is lost in the middle of a sale.

load support/lab

setup() {
  needs_several nodes 'nobody could sell what it held'
  make_whole
}
teardown() {
  stop_crowds
}

@test "a node's host loses power in the middle of a sale: everything is sold, nothing twice" {
  needs_power
  sell_out_while node-host power off "$(hosts nodes | tail -n 1)"
  local host
  host=$(hosts nodes | tail -n 1)
  power on "$host"
  wait_until 120 is_well "$host"
}

@test "a node's process is killed in the middle of a sale: everything is sold, and it comes back" {
  local host
  host=$(hosts nodes | tail -n 1)
  sell_out_while node-process \
    on "$host" 'sudo systemctl kill --signal=SIGKILL ticket-node@1.service'
  # Nobody but systemd starts it again.
  wait_until 60 is_well "$host"
}

# sell_out_while NAME COMMAND...: 3,000 tickets where the load is full; the command comes after the first hundred
sell_out_while() {
  local name=$1 left_at_fault tickets
  tickets=$(crowd_of 3000)
  shift
  open_sale "$name" "$tickets"
  begin_probe
  begin_buyers --until-sold-out --rate "$(load_of 400)" --connections 20
  "$@"
  left_at_fault=$(sale_figure left)
  buyers_are_done
  end_probe
  ((left_at_fault > 0)) || fail 'all of it was sold before the fault'
  figure "$name killed: longest time without a purchase answered" "$(crowd_figure buyers .maxGapMs)" ms
  figure "$name killed: answered undecided, or busy" \
    "$(crowd_figure buyers '(.outcomes.undecided // 0) + (.outcomes.busy // 0)')" "of $tickets"
  figure "$name killed: purchases without an answer" "$(crowd_figure buyers .lost)" "of $tickets" 0
  assert_equal "$(sale_figure left)" 0
  assert_equal "$(crowd_figure buyers '[.decided.sold, .duplicates, .neverDecided] | join(" ")')" \
    "$tickets 0 0"
  # Nginx answers for a node that does not: with "undecided" or "busy", not with silence.
  assert_equal "$(crowd_figure buyers '[.lost, .unsent] | join(" ")')" '0 0'
  only_honest_answers
  books_balance "$tickets"
}
