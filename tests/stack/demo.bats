#!/usr/bin/env bats
# demo, load, sale and audit: what they print, with which exit code, and what they leave behind.

load support/stack

setup() {
  place_stack 27700
  DEMO=("$SLUICE" demo --state "$STATE" --nginx-port "$NGINX_PORT" --status-port "$STATUS_PORT"
    --redis-port "$REDIS_PORT" --node-port "$NODE_PORT")
}
teardown() {
  "$SLUICE" down --state "$STATE" >/dev/null
  "$SLUICE" down --state "$STATE/demo" >/dev/null
}

nothing_runs() {
  run pgrep -af -- "$STATE/"
  assert_output ''
}

@test "demo sells every ticket once, says so, exits 0 and leaves nothing running" {
  run -0 "${DEMO[@]}" --tickets 1000 --requests 20000 --connections 50 \
    --json "$BATS_TEST_TMPDIR/report.json"
  assert_output --partial 'sale tickets: 1,000 tickets, 20,000 requests in '
  assert_output --partial ' answers a second (h2load)'
  assert_line --regexp '^sold +1,000 +5\.0 % '
  assert_line --regexp '^sold out +19,000 +95\.0 % '
  assert_line --partial 'total 1,000 = held 1,000 + paid 0 + left 0'
  assert_line 'verdict: balanced'
  run jq -c '[.sale, .tickets, .requests, .sentBy, .outcomes.sold, .outcomes.soldOut, .verdict, .books,
    (.perNode | keys), (.latencyMs.sold, .latencyMs.soldOut | .p50 <= .p99 and .p999 <= .max),
    .timeToSellOutMs > 0]' "$BATS_TEST_TMPDIR/report.json"
  assert_output "$(jq -nc '["tickets", 1000, 20000, "h2load", 1000, 19000, "balanced",
    {total: 1000, held: 1000, paid: 0, left: 0, orders: 1000, duplicates: 0, lost: 0},
    ["node1", "node2", "node3", "node4"], true, true, true]')"
  nothing_runs
}

@test "demo --pay: some pay, the holds of the others lapse and are sold again, the books balance" {
  run -0 "${DEMO[@]}" --pay 0.7 --hold 3 --tickets 500 --requests 20000 --connections 50 \
    --json "$BATS_TEST_TMPDIR/report.json"
  assert_line 'verdict: balanced'
  assert_line --regexp '^left, held and paid over '
  assert_line --regexp '^payments: [0-9]+ of [0-9]+ holds were paid for '
  # Paid for or free; more orders than tickets, since what lapsed was sold again.
  run jq -c '[.books.held, .books.paid + .books.left, .books.paid == .payments.paid,
    .books.orders > 500, .books.orders == .payments.seen, .resale.sold > 0, .payments.failed,
    .books.duplicates, .books.lost, .stock[-1].held, .verdict]' "$BATS_TEST_TMPDIR/report.json"
  assert_output '[0,500,true,true,true,true,0,0,0,0,"balanced"]'
  nothing_runs
}

@test "demo refuses a share that is none" {
  run -1 "${DEMO[@]}" --pay 70
  assert_output --partial '--pay is a share from 0 to 1'
  nothing_runs
}

@test "demo prints nothing but the JSON on standard output if that is asked for" {
  run -0 --separate-stderr "${DEMO[@]}" --tickets 100 --requests 1000 --json -
  assert_equal "$(jq -r .verdict <<<"$output")" balanced
}

@test "a demo that is interrupted stops everything and says so by its exit code" {
  "${DEMO[@]}" --requests 5000000 >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
  local pid=$! code=0
  wait_until grep -q 'requests/s' "$BATS_TEST_TMPDIR/said"
  kill -TERM "$pid"
  wait "$pid" || code=$?
  assert_equal "$code" 143
  run cat "$BATS_TEST_TMPDIR/said"
  assert_line 'SIGTERM: stopping; once more to force it'
  assert_line 'everything is stopped'
  nothing_runs
}

@test "load counts what it is told, and audits the books of the stack that it is sent at" {
  start_stack 27700
  open_sale rush 500
  run -0 "$SLUICE" load "$FRONT" --with h2load --state "$STATE" --sale rush --quantity 2 --requests 200
  assert_line --regexp '^sold +200 +100\.0 % '
  assert_line --partial 'total 500 = held 400 + paid 0 + left 100'
  run -0 "$SLUICE" load "$FRONT" --with h2load --state "$STATE" --sale rush --requests 5000 --json -
  run -0 "$SLUICE" audit rush --redis "$REDIS"
  assert_line 'the books of the ledger balance'
  assert_line --partial 'the orders database was not looked at'
  SLUICE_STATE=$STATE run -0 "$SLUICE" audit rush
  assert_line 'the books balance'
  assert_line --partial '300 orders'
}

@test "load fails where nobody answers" {
  run -1 "$SLUICE" load "$FRONT" --with h2load --state "$STATE" --requests 10
  assert_output --partial "none of 10 requests to $FRONT/buy/ticket was answered"
}

@test "audit exits 1 and names what differs; 2 where it cannot tell" {
  start_stack 27700
  open_sale rush 5
  redis-cli -p "$REDIS_PORT" hincrby '{sale:rush}:stock' held 1
  run -1 "$SLUICE" audit rush --redis "$REDIS" --json "$BATS_TEST_TMPDIR/audit.json"
  assert_line '  stock: 1 tickets are held, the orders make 0'
  assert_equal "$(jq -r .verdict "$BATS_TEST_TMPDIR/audit.json")" unbalanced
  run -2 "$SLUICE" audit nosuch --redis "$REDIS"
  assert_output --partial 'there is no sale nosuch'
  run -2 "$SLUICE" audit rush --redis redis://127.0.0.1:1
  assert_output --partial 'did not answer'
}
