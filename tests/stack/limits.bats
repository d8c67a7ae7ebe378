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
  assert_output '[201,"POST",true,true,true,true,32]'
}
