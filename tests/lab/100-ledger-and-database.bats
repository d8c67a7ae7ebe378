#!/usr/bin/env bats
# What all of them depend on goes away for a while in the middle of a sale.

load support/lab

setup() {
  make_whole
}
teardown() {
  stop_crowds
}

@test "Redis is restarted in the middle of a sale: honest answers, and the books balance" {
  local primary requests
  primary=$(redis_with primary | head -n 1)
  requests=$(crowd_of 2000)
  open_sale redis 100000
  begin_buyers --requests "$requests" --rate "$(load_of 200)" --connections 20
  on "$primary" 'sudo systemctl restart redis-server.service'
  buyers_are_done
  figure 'Redis restarted: longest time without a purchase answered by a sale' \
    "$(crowd_figure buyers .maxGapMs)" ms
  figure 'Redis restarted: answered undecided, or busy' \
    "$(crowd_figure buyers '(.outcomes.undecided // 0) + (.outcomes.busy // 0)')" "of $requests"
  everything_was_decided
  only_honest_answers
  # Nobody was cut off, and nobody was told "sold out" of a sale that has tickets.
  assert_equal "$(crowd_figure buyers '[.lost, .unsent, .decided.soldOut] | join(" ")')" '0 0 0'
  assert_equal "$(crowd_figure buyers .decided.sold)" "$requests"
  books_balance "$requests"
}

@test "PostgreSQL is stopped for ten seconds in a sale: nobody notices, and no order is missing" {
  local database requests
  database=$(first_host postgresql)
  requests=$(crowd_of 2500)
  open_sale postgresql 100000
  begin_buyers --requests "$requests" --rate "$(load_of 200)" --connections 20
  # The clusters are units of their own, which nobody waits for who stops this one.
  on "$database" "sudo systemctl stop postgresql.service 'postgresql@*.service'"
  run ! on "$database" 'pg_isready -q'
  # Ten seconds of a sale: two thousand purchases, where the load is full.
  stays_true_for 10 sale_goes_on
  on "$database" 'sudo systemctl start postgresql.service'
  buyers_are_done
  no_request_failed
  assert_equal "$(crowd_figure buyers .decided.sold)" "$requests"
  books_balance "$requests"
  told_orders_exist "$BATS_TEST_TMPDIR/buyers.json"
}

sale_goes_on() {
  crowd curl -sf -o /dev/null --max-time "$(patience 5)" "$(vip_url)/sales/$SALE"
}
