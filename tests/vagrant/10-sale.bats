#!/usr/bin/env bats
# The main job, with numbers that emulated machines come to the end of: no load factor in here.

load ../lab/support/lab

setup() {
  make_whole
}

@test "oha at the VIP until a sale of 1,000 tickets is over: exactly 1,000 are sold and stored" {
  open_sale thousand 1000
  local report=$BATS_TEST_TMPDIR/report.json
  # The crowd has no way to the ledger, so that what the books say is asked for where they are.
  crowd "$ROOT/sluice" load "$(vip_url)" --sale "$SALE" --requests 3000 --connections 20 \
    --timeout 60 --json "$report"
  run jq -r '[.requests, .outcomes.sold, .outcomes.soldOut] | join(" ")' "$report"
  assert_output '3000 1000 2000'
  figure 'oha at the VIP, 1,000 tickets and 3,000 requests' "$(jq '.perSecond | round' "$report")" \
    'requests/s'
  figure 'oha at the VIP, sold: p99' "$(jq '.latencyMs.sold.p99 | round' "$report")" ms
  figure 'oha at the VIP, sold out: p99' "$(jq '.latencyMs.soldOut.p99 | round' "$report")" ms
  books_balance 1000
  assert_equal "$(sale_figure left)" 0
}
