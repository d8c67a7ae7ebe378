#!/usr/bin/env bats
# What the crowd and the operator count on while a stack sells: shares, stock, keys, limits, cache.

load support/stack

setup_file() {
  start_stack 27100
}
teardown_file() {
  stop_stack
}
setup() {
  place_stack 27100
}

# buy_in_a_row COUNT URL: one after another over one connection; a line "STATUS NODE" each
buy_in_a_row() {
  curl -sS --max-time 120 -o /dev/null -X POST \
    -w '%{http_code} %header{x-sluice-node}\n' "$2?[1-$1]"
}

# crowd_statuses URL [OPTIONS OF H2LOAD]: a crowd; prints the count of each status
crowd_statuses() {
  local log
  log=$(mktemp -p "$BATS_TEST_TMPDIR")
  h2load --h1 -H ':method: POST' --log-file="$log" "${@:2}" "$1" >/dev/null
  cut -f 2 "$log" | sort | uniq -c | awk '{ printf "%s%s:%s", sep, $2, $1; sep = " " }'
}

# How many purchases the nodes have answered, all together.
answered_by_nodes() {
  local node
  for node in 1 2 3 4; do
    curl -s --max-time 5 "$(node_url "$node")/metrics"
  done | awk '/^sluice_requests_total\{/ { sum += $NF } END { print sum + 0 }'
}

@test "1,000 purchases one after another land 100, 200, 300 and 400 on the four nodes" {
  open_sale weights 1000
  run -0 buy_in_a_row 1000 "$FRONT/sales/weights/orders"
  assert_equal "$(sort <<<"$output" | uniq -c | awk '{ print $1, $2, $3 }' | paste -sd ' ')" \
    "100 201 node1 200 201 node2 300 201 node3 400 201 node4"
}

@test "a crowd of 20,000 gets exactly the 2,000 tickets there are, and the books balance" {
  open_sale rush 2000
  run -0 crowd_statuses "$FRONT/sales/rush/orders" -n 20000 -c 100
  assert_output '201:2000 410:18000'
  assert_equal "$(figure rush held) $(figure rush left)" "2000 0"
  run -0 books_balance rush
}

@test "POST /buy/ticket sells the default sale, and so does its own address" {
  open_sale tickets 2
  request POST "$FRONT/buy/ticket"
  assert_answer 201 1
  assert_equal "$(field .data.sale)" tickets
  request POST "$FRONT/sales/tickets/orders" -H 'Content-Type: application/json' \
    -d '{"quantity":1}'
  assert_answer 201 1
  assert_equal "$(field .data.sale)" tickets
}

@test "more than is left is refused with what is left, and nothing is taken" {
  open_sale few 3
  request POST "$FRONT/sales/few/orders" -d '{"quantity":4}'
  assert_answer 409 -6
  assert_equal "$(field .data.left)" 3
  request POST "$FRONT/sales/few/orders" -d '{"quantity":3}'
  assert_answer 201 1
  assert_equal "$(figure few left)" 0
}

@test "a sold-out answer is repeated by Nginx and does not reach the nodes" {
  open_sale gone 1
  request POST "$FRONT/sales/gone/orders"
  assert_answer 201 1
  wait_until is_sold_out gone
  local before after requests
  before=$(answered_by_nodes)
  requests=$(crowd_statuses "$FRONT/sales/gone/orders" -D 4 -c 50)
  requests=${requests#410:}
  after=$(answered_by_nodes)
  echo "of $requests requests in 4 s the nodes saw $((after - before))"
  # One or two a second in a quiet machine; what is asserted is that the cache works at all:
  # without it all of them would get there.
  ((requests > 1000 && (after - before) * 50 < requests))
}

is_sold_out() {
  [[ $(curl -s -o /dev/null -w '%{http_code}' -X POST "$FRONT/sales/$1/orders") == 410 ]]
}

@test "one sale's sold-out answer never answers another sale" {
  open_sale empty 1
  open_sale full 1000
  request POST "$FRONT/sales/empty/orders"
  assert_answer 201 1
  for _ in {1..30}; do
    request POST "$FRONT/sales/empty/orders"
    assert_answer 410 -1
    request POST "$FRONT/sales/full/orders"
    assert_answer 201 1
    request POST "$FRONT/sales/full/orders?sale=empty"
    assert_answer 201 1
    request POST "$FRONT/sales/empty/orders/../../full/orders" --path-as-is
    assert_answer 201 1
  done
}

@test "a request with a key gets its own order after sold out, while others get the cached 410" {
  open_sale last 2
  local key order
  # "0" is a key like any other; Nginx takes it for none unless it is told better.
  for key in 0 first; do
    request POST "$FRONT/sales/last/orders" -H "Idempotency-Key: $key"
    assert_answer 201 1
    order=$(field .data.order)
    printf '%s %s\n' "$key" "$order" >>"$BATS_TEST_TMPDIR/orders"
  done
  for _ in {1..10}; do
    request POST "$FRONT/sales/last/orders"
    assert_answer 410 -1
    while read -r key order; do
      request POST "$FRONT/sales/last/orders" -H "Idempotency-Key: $key"
      assert_answer 201 1
      assert_equal "$(field .data.order)" "$order"
    done <"$BATS_TEST_TMPDIR/orders"
  done
  request POST "$FRONT/sales/last/orders" -H "Idempotency-Key: stranger"
  assert_answer 410 -1
}

@test "a sold order is never repeated to somebody else" {
  open_sale many 300
  run -0 crowd "$FRONT/sales/many/orders" --requests 300 --connections 20
  assert_equal "$(field '[.sold, .duplicates] | join(" ")')" "300 0"
}

@test "after a restock the crowd that hammers a sold-out sale buys again" {
  open_sale again 5
  run -0 crowd "$FRONT/sales/again/orders" --until-sold-out
  assert_equal "$(field .sold)" 5
  local crowd_pid
  crowd_statuses "$FRONT/sales/again/orders" -D 8 -c 20 >"$BATS_TEST_TMPDIR/statuses" &
  crowd_pid=$!
  wait_until is_sold_out again
  "$SLUICE" sale restock again 500 --redis "$REDIS"
  wait_until figure_is again left 0
  wait "$crowd_pid"
  assert_equal "$(figure again held)" 505
  run cat "$BATS_TEST_TMPDIR/statuses"
  assert_output --regexp '^201:500 410:[0-9]+$'
  run -0 books_balance again
}

figure_is() {
  [[ $(figure "$1" "$2") == "$3" ]]
}

@test "the same key gets the same order from every node, and one ticket is taken" {
  open_sale once 10
  request POST "$(node_url 1)/sales/once/orders" -H 'Idempotency-Key: same'
  assert_answer 201 1
  local order node
  order=$(field .data.order)
  for node in 2 3 4 1; do
    request POST "$(node_url "$node")/sales/once/orders" -H 'Idempotency-Key: same'
    assert_answer 201 1
    assert_equal "$(field .data.order)" "$order"
  done
  assert_equal "$(figure once held)" 1
}

@test "what became of a request can be asked by its key, through any node" {
  open_sale asked 10
  request POST "$FRONT/sales/asked/orders" -H 'Idempotency-Key: a/b c"d'
  assert_answer 201 1
  local order
  order=$(field .data.order)
  request GET "$FRONT/sales/asked/requests/a%2Fb%20c%22d"
  assert_answer 200 1
  assert_equal "$(field .data.order)" "$order"
  request GET "$FRONT/sales/asked/requests/never-sent"
  assert_answer 404 -5
}

@test "a key belongs to its buyer, and a look-up sends the same one" {
  open_sale mine 10
  local key=7c0d6f2e-3f1b-4c55-9b0a-2f6f3c1e8a94 buyer order
  for buyer in ann bob; do
    request POST "$FRONT/sales/mine/orders" -H "Idempotency-Key: $key" -H "X-Buyer-Id: $buyer"
    assert_answer 201 1
    order=$(field .data.order)
    request GET "$FRONT/sales/mine/requests/$key" -H "X-Buyer-Id: $buyer"
    assert_answer 200 1
    assert_equal "$(field .data.order)" "$order"
  done
  assert_equal "$(figure mine held)" 2
  request GET "$FRONT/sales/mine/requests/$key"
  assert_answer 404 -5
  request GET "$FRONT/sales/mine/requests/$key" -H 'X-Buyer-Id: eve'
  assert_answer 404 -5
}

@test "a buyer gets no more than the limit, whichever nodes are asked" {
  open_sale limited 100 --limit 2
  for _ in 1 2; do
    request POST "$FRONT/sales/limited/orders" -H 'X-Buyer-Id: ann'
    assert_answer 201 1
  done
  for _ in {1..8}; do
    request POST "$FRONT/sales/limited/orders" -H 'X-Buyer-Id: ann'
    assert_answer 409 -3
    assert_equal "$(field .data.limit)" 2
  done
  request POST "$FRONT/sales/limited/orders" -H 'X-Buyer-Id: bob'
  assert_answer 201 1
  request POST "$FRONT/sales/limited/orders"
  assert_answer 400 -5
}

@test "all traffic to the lightest node sells everything" {
  open_sale lonely 1500
  run -0 crowd_statuses "$(node_url 1)/sales/lonely/orders" -n 3000 -c 50
  assert_output '201:1500 410:1500'
  assert_equal "$(figure lonely left)" 0
}

@test "the figures of a sale can be asked for, and say what the ledger says" {
  open_sale shown 7
  request POST "$FRONT/sales/shown/orders" -d '{"quantity":3}'
  assert_answer 201 1
  # Each node learns it with its next heartbeat, and Nginx keeps an answer for a second.
  wait_until front_shows shown '[7,3,0,4]'
  request GET "$FRONT/sales/shown"
  assert_equal "$status" 200
  assert_header cache-control max-age=1
}

front_shows() {
  [[ $(curl -s --max-time 5 "$FRONT/sales/$1" | jq -c '[.total, .held, .paid, .left]') == "$2" ]]
}
