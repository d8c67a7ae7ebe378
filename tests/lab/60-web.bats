#!/usr/bin/env bats
# An Nginx host is lost in the middle of a sale.

load support/lab

setup() {
  needs_several web 'nobody could take its buyers over'
  make_whole
}
teardown() {
  stop_crowds
}

@test "an Nginx host that loses power is out of the pool within 3 s, and comes back by itself" {
  needs_power
  local killed director outage_ms allowed_ms before_ms requests
  killed=$(hosts web | tail -n 1)
  director=$(vip_owner)
  requests=$(crowd_of 2400)
  open_sale web 100000
  begin_probe
  # A buyer waits two seconds for an answer: those whose connection was to the host that is gone
  # have no other way to learn it.
  begin_buyers --requests "$requests" --rate "$(load_of 200)" --connections 20 \
    --timeout "$(limit_ms 2000)"
  power off "$killed"
  wait_until 30 weight_is_zero "$director" "$killed"
  buyers_are_done
  end_probe
  outage_ms=$(crowd_figure probe 'if .failed == 0 then 0 else .lastFailureMs - .firstFailureMs end')
  allowed_ms=$(limit_ms "$(out_of_pool_ms)")
  figure 'Nginx host killed: new connections failed for' "$outage_ms" ms "$allowed_ms"
  figure 'Nginx host killed: new connections that failed' "$(crowd_figure probe .failed)" \
    "of $(crowd_figure probe .attempts)"
  figure 'Nginx host killed: longest gap of the VIP' "$(crowd_figure probe .gapMs)" ms
  figure 'Nginx host killed: purchases without an answer' "$(crowd_figure buyers .lost)" "of $requests" 20
  figure 'Nginx host killed: attempts that found no connection' "$(crowd_figure buyers .unsent)" ''
  everything_was_decided
  only_honest_answers
  (($(crowd_figure buyers .lost) <= 20)) || fail 'more was lost than was in flight'
  ((outage_ms <= allowed_ms)) || fail "connections went to it for $outage_ms ms"

  before_ms=$(now_ms)
  power on "$killed"
  wait_until 120 weight_is_back "$director" "$killed"
  figure 'Nginx host, from power on into the pool' "$(($(now_ms) - before_ms))" ms
  wait_until 30 takes_connections "$director" "$killed"
  books_balance "$(crowd_figure buyers .decided.sold)"
}

# Connections of the crowd reach it again: some of fifty would not only if the hash avoided it.
takes_connections() {
  local before after try
  before=$(connections_to "$@")
  for try in {1..50}; do
    crowd curl -sf -o /dev/null --max-time "$(patience 1)" "$(vip_url)/healthz?$try" || return 1
  done
  after=$(connections_to "$@")
  ((after > before))
}
connections_to() {
  on "$1" 'sudo ipvsadm -Ln --stats --exact' | awk -v address="$(address "$2")" '
    $1 == "->" { sub(/:[0-9]+$/, "", $2) }
    $1 == "->" && $2 == address { print $3 }'
}

# Within that no new connection is sent to a host that is gone: 3 s, unless the inventory gives the
# directors' checks, of which there are two, another time than the role does.
out_of_pool_ms() {
  awk -v timeout_s="$(shared_var lvs_director_check_timeout_s 0.9)" \
    'BEGIN { printf "%d\n", 1200 + 2 * timeout_s * 1000 }'
}
