#!/usr/bin/env bats
# The main job: a crowd far larger than the stock.

load support/lab

setup() {
  make_whole
}

@test "25 requests for each ticket at the VIP: exactly the stock is sold and stored" {
  local report=$BATS_TEST_TMPDIR/report.json tickets requests
  tickets=$(load_of 2000)
  requests=$(load_of 50000)
  open_sale rush "$tickets"
  # The crowd has no way to the ledger, so that what the books say is asked for where they are.
  crowd "$ROOT/sluice" load "$(vip_url)" --sale "$SALE" --requests "$requests" \
    --connections "$(load_of 100)" --timeout "$(patience 20)" --json "$report"
  run jq -r '[.requests, .outcomes.sold, .outcomes.soldOut] | join(" ")' "$report"
  assert_output "$requests $tickets $((requests - tickets))"
  figure "oha at the VIP, $requests requests" "$(jq '.perSecond | round' "$report")" 'requests/s'
  figure 'oha at the VIP, sold: p99' "$(jq '.latencyMs.sold.p99 | round' "$report")" ms
  figure 'oha at the VIP, sold out: p99' "$(jq '.latencyMs.soldOut.p99 | round' "$report")" ms
  books_balance "$tickets"
  assert_equal "$(sale_figure left)" 0
}
