#!/usr/bin/env bats
# Whatever is wrong with a request, the answer is the table's, in JSON, and no ticket is taken.

load support/stack

setup_file() {
  start_stack 27200
  open_sale tickets 100
  open_sale limited 100 --limit 1
}
teardown_file() {
  stop_stack
}
setup() {
  place_stack 27200
}
# None of these requests may sell anything.
teardown() {
  local sale
  for sale in tickets limited; do
    assert_equal "$(figure "$sale" left)" 100
  done
}

# repeat CHARACTER COUNT
repeat() {
  printf "%*s" "$2" "" | tr ' ' "$1"
}

# raw REQUEST: to Nginx, byte by byte; sets `status`, `headers` and `output` as request does
raw() {
  local answer
  exec 9<>"/dev/tcp/127.0.0.1/$NGINX_PORT"
  # In one piece: Nginx may answer and close after the first line that it dislikes.
  printf '%b' "$1" | cat >&9
  answer=$(timeout 20 cat <&9 | tr -d '\r')
  exec 9>&-
  headers=${answer%%$'\n\n'*}
  output=${answer#*$'\n\n'}
  status=$(awk '/^HTTP/ { print $2 }' <<<"$headers")
}

@test "a GET, HEAD, PUT or DELETE on a buy address is 405, says POST, and buys nothing" {
  local path method
  for path in /buy/ticket /sales/tickets/orders; do
    for method in GET PUT DELETE PATCH OPTIONS; do
      request "$method" "$FRONT$path"
      assert_answer 405 -5
      assert_header allow POST
    done
    request HEAD "$FRONT$path"
    assert_equal "$status" 405
    assert_header allow POST
  done
}

@test "a POST where only reading makes sense is 405" {
  request POST "$FRONT/sales/tickets"
  assert_answer 405 -5
  assert_header allow 'GET, HEAD'
}

@test "unknown addresses and sales are 404" {
  local path
  for path in / /index.html /sales /sales/ /orders /buy /buy/ticket/ /favicon.ico /sales/none \
    /sales/tickets/none /sales/tickets/requests/none /sales/TICKETS; do
    request GET "$FRONT$path"
    assert_answer 404 -5
  done
  request POST "$FRONT/sales/none/orders"
  assert_answer 404 -5
}

@test "the nodes' metrics are not for the crowd, Nginx's own health is" {
  request GET "$FRONT/metrics"
  assert_answer 404 -5
  request GET "$FRONT/nginx-status"
  assert_answer 404 -5
  request GET "$FRONT/edge/503"
  assert_answer 404 -5
  request GET "$FRONT/healthz"
  assert_equal "$status $output" '200 {"status":"ok"}'
  request GET "http://127.0.0.1:$STATUS_PORT/nginx-status"
  assert_equal "$status" 200
  assert_output --partial 'Active connections'
}

@test "a body that is not what it should be is 400" {
  local body
  for body in '{' 'null' '[]' '"1"' '1' '{"quantity":0}' '{"quantity":-1}' '{"quantity":101}' \
    '{"quantity":1.5}' '{"quantity":"1"}' '{"quantity":null}' '{"quantity":1e99}' \
    '{"quantity":1,"free":true}' '{"quantities":1}'; do
    request POST "$FRONT/sales/tickets/orders" -H 'Content-Type: application/json' -d "$body"
    assert_answer 400 -5
  done
}

@test "a request key that is no key is 400" {
  local key
  for key in "$(repeat k 129)" $'caf\xc3\xa9' $'a\tb'; do
    request POST "$FRONT/buy/ticket" -H "Idempotency-Key: $key"
    assert_answer 400 -5
  done
}

@test "a buyer id that is none is 400, and so is none where the sale has a limit" {
  local buyer
  for buyer in "$(repeat b 129)" $'caf\xc3\xa9'; do
    request POST "$FRONT/buy/ticket" -H "X-Buyer-Id: $buyer"
    assert_answer 400 -5
  done
  request POST "$FRONT/sales/limited/orders"
  assert_answer 400 -5
}

@test "a body that is too large is 413, whether its length is said or not" {
  local file=$BATS_TEST_TMPDIR/body size path
  for size in 4097 100000; do
    repeat x "$size" >"$file"
    for path in /buy/ticket /sales/tickets/orders; do
      request POST "$FRONT$path" --data-binary "@$file"
      assert_answer 413 -5
      request POST "$FRONT$path" --data-binary "@$file" -H 'Transfer-Encoding: chunked'
      assert_answer 413 -5
    done
  done
  # A node by itself draws the same line.
  repeat x 4097 >"$file"
  for path in /buy/ticket /sales/tickets/orders; do
    request POST "$(node_url 1)$path" --data-binary "@$file"
    assert_answer 413 -5
  done
}

@test "a header that is too large is 431, an address that is too long 414" {
  request POST "$FRONT/buy/ticket" -H "X-Padding: $(repeat x 5000)"
  assert_answer 431 -5
  request POST "$FRONT/buy/ticket?$(repeat x 5000)"
  assert_answer 414 -5
}

@test "what is no HTTP at all is answered in JSON or not at all" {
  raw 'POST /buy/ticket HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n'
  assert_answer 400 -5
  raw 'POST /buy/ticket HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\nConnection: close\r\n\r\n'
  assert_answer 400 -5
  raw 'POST /buy/ticket HTTP/1.1\r\nConnection: close\r\n\r\n'
  assert_answer 400 -5
  raw 'POST /buy/ticket HTTP/9.1\r\nHost: x\r\n\r\n'
  assert_answer 400 -5
  raw 'POST /buy/ticket HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: none\r\n\r\n'
  assert_answer 400 -5
  raw 'TRACE /buy/ticket HTTP/1.1\r\nHost: x\r\n\r\n'
  assert_answer 405 -5
  raw 'buy me a ticket\r\n\r\n'
  refute_output --partial '<'
  assert_output --partial '"code":-5'
}

@test "conditions and ranges that browsers send do not bring out HTML" {
  request GET "$FRONT/sales/tickets" -H 'Range: bytes=9999-'
  assert_equal "$status $(field .total)" "200 100"
  request GET "$FRONT/sales/tickets" -H 'If-Match: "x"'
  refute_output --partial '<'
  jq -e . <<<"$output"
}

@test "a sale that is not open is 403 and says why" {
  "$SLUICE" sale create scheduled --total 5 --redis "$REDIS"
  open_sale paused 5
  "$SLUICE" sale pause paused --redis "$REDIS"
  wait_until all_nodes_see paused paused
  wait_until all_nodes_see scheduled scheduled
  local sale
  for sale in scheduled paused; do
    request POST "$FRONT/sales/$sale/orders"
    assert_answer 403 -2
    assert_equal "$(field .data.state)" "$sale"
    assert_equal "$(figure "$sale" left)" 5
  done
}

@test "what the client says about its own address is not believed" {
  request POST "$FRONT/sales/none/orders" -H 'X-Forwarded-For: 1.2.3.4' -H 'Host: evil.example'
  assert_answer 404 -5
  refute_output --partial evil
}
