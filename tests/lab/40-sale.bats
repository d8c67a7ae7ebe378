#!/usr/bin/env bats
# The main job: a crowd far larger than the stock.

load support/lab

setup() {
  make_whole
}

@test "2,000 tickets and 50,000 requests at the VIP: exactly 2,000 are sold and stored" {
  open_sale rush 2000
  local report=$BATS_TEST_TMPDIR/report.json
  # The crowd has no way to the ledger, so that what the books say is asked for where they are.
  crowd "$ROOT/sluice" load "$(vip_url)" --sale "$SALE" --requests 50000 --connections 100 \
    --timeout 20 --json "$report"
  run jq -r '[.requests, .outcomes.sold, .outcomes.soldOut] | join(" ")' "$report"
  assert_output '50000 2000 48000'
  figure 'oha at the VIP, 50,000 requests' "$(jq '.perSecond | round' "$report")" 'requests/s'
  figure 'oha at the VIP, sold: p99' "$(jq '.latencyMs.sold.p99 | round' "$report")" ms
  figure 'oha at the VIP, sold out: p99' "$(jq '.latencyMs.soldOut.p99 | round' "$report")" ms
  books_balance 2000
  assert_equal "$(sale_figure left)" 0
}
