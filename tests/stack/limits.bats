#!/usr/bin/env bats
# The request limit of Nginx, where it is on; and what its access log says.

load support/stack

setup_file() {
  start_stack 27400 --limit-by buyer --limit-rate 1 --access-log
  open_sale tickets 1000
}
teardown_file() {
  stop_stack
}
setup() {
  place_stack 27400
}

@test "a buyer who sends too many purchases is told so in JSON, others are not hindered" {
  local refused=0
  for _ in {1..40}; do
    request POST "$FRONT/buy/ticket" -H 'X-Buyer-Id: robot'
    if [[ $status == 429 ]]; then
      assert_answer 429 -4
      assert_header retry-after 1
      refused=$((refused + 1))
      request POST "$FRONT/buy/ticket" -H 'X-Buyer-Id: person'
      assert_answer 201 1
      break
    fi
    assert_answer 201 1
  done
  assert_equal "$refused" 1
}

@test "the access log has a line of JSON for each request, with node, timing and status" {
  request POST "$FRONT/sales/tickets/orders?mark=%22logged%22" -H 'X-Buyer-Id: logged'
  assert_answer 201 1
  local log=$STATE/nginx/logs/access.log
  wait_until grep -q 'logged' "$log"
  run -0 jq -ce 'select(.uri | contains("logged")) |
    [.status, .method, (.node | startswith("node")), (.upstream | startswith("127.0.0.1:")),
     (.upstream_seconds | tonumber >= 0), (.seconds >= 0), (.request_id | length)]' "$log"
  assert_output '[201,"POST",true,true,true,true,8]'
}

@test "the access log has neither the token of an order nor the key of a request" {
  local key=7c0d6f2e-3f1b-4c55-9b0a-2f6f3c1e8a94 order token
  request POST "$FRONT/sales/tickets/orders" -H 'X-Buyer-Id: secret' -H "Idempotency-Key: $key"
  assert_answer 201 1
  order=$(field .data.order)
  token=${order##*.}
  request GET "$FRONT/sales/tickets/requests/$key?x=1" -H 'X-Buyer-Id: secret'
  assert_answer 200 1
  request GET "$FRONT/orders/$order"
  assert_answer 200 1
  request POST "$FRONT/orders/$order/payment"
  assert_answer 401 -9
  request GET "$FRONT/orders/$token"
  assert_answer 404 -5
  request GET "$FRONT/healthy"
  local log=$STATE/nginx/logs/access.log
  wait_until grep -q '/healthy' "$log"
  run -0 jq -r .uri "$log"
  assert_line '/sales/tickets/requests/***'
  assert_line "/orders/${order%.*}.***"
  assert_line "/orders/${order%.*}.***/payment"
  assert_line '/orders/***'
  run -1 grep -e "$token" -e "$key" "$log"
}
