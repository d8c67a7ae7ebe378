#!/usr/bin/env bats
# Each kind of host is taken out for work and put back in the middle of a sale.

load support/lab

setup() {
  make_whole
}
teardown() {
  stop_crowds
}

@test "a ticket node is drained and undrained under load, and not one request fails" {
  needs_several nodes 'nobody could sell meanwhile'
  local host
  host=$(hosts nodes | tail -n 1)
  drain_and_undrain "$host" sells_nothing "$host"
}

@test "an Nginx host is drained and undrained under load, and not one request fails" {
  needs_several web 'nobody could take its buyers over'
  local host
  host=$(hosts web | tail -n 1)
  drain_and_undrain "$host" gets_nothing "$host"
}

@test "the director that has the VIP is drained and undrained under load, and not one request fails" {
  needs_several directors 'nobody could take the VIP over'
  local host
  host=$(vip_owner)
  drain_and_undrain "$host" has_no_vip "$host"
}

@test "the order worker is drained and undrained under load, and not one request fails" {
  local host
  host=$(worker_host)
  drain_and_undrain "$host" stores_nothing "$host"
}

@test "a Redis replica is drained and undrained under load, and not one request fails" {
  local host
  host=$(redis_with replica | head -n 1)
  [[ -n $host ]] || skip 'the inventory has no Redis replica'
  drain_and_undrain "$host" redis_is_stopped "$host"
}

@test "draining the Redis primary is refused, with the reason: without it nothing is sold" {
  run ! playbook playbooks/drain.yml -e "host=$(redis_with primary | head -n 1)"
  assert_output --partial primary
  is_whole
}

@test "draining a second host of ticket nodes is refused, and it goes on selling" {
  needs_several nodes 'none may be drained'
  local -a node
  mapfile -t node < <(hosts nodes | tail -n 2)
  run -0 playbook playbooks/drain.yml -e "host=${node[0]}"
  run ! playbook playbooks/drain.yml -e "host=${node[1]}"
  run -0 tr -s '[:space:]' ' ' <<<"$output"
  assert_output --partial "${node[0]} is drained or not ready already"
  run -0 ailments_of "${node[1]}"
  assert_output ''
  run -0 playbook playbooks/undrain.yml -e "host=${node[0]}"
  is_whole
}

@test "a drain that cannot be finished gives the host back, without a marker or a failed request" {
  needs_several web 'nobody could take its buyers over'
  local host
  host=$(hosts web | tail -n 1)
  open_sale drain-fails 100000
  begin_buyers --rate "$(load_of 100)" --connections 20 --limit "$(patience 120)"
  # No time at all for buyers who are there: they keep their connections for up to ten seconds.
  run ! gentle_playbook playbooks/drain.yml -e "host=$host" -e nginx_drain_limit_s=0
  # Long messages are printed on several lines.
  run -0 tr -s '[:space:]' ' ' <<<"$output"
  assert_output --regexp "$host was not taken out of this tier, .*Wait until the last buyer .*left after 0 s"
  run -0 ailments_of "$host"
  assert_output ''
  is_whole
  call_off_buyers
  no_request_failed
  books_balance "$(crowd_figure buyers .decided.sold)"
}

# keepalived has no right to read what is not everybody's, and reads the marker once: it must be whole as
# its name appears. The lab's own way of running Ansible writes files otherwise than Ansible does.
@test "plain ansible-playbook drains and undrains the director that has the VIP" {
  needs_several directors 'nobody could take the VIP over'
  local host
  host=$(vip_owner)
  ANSIBLE_STRATEGY=linear run -0 playbook playbooks/drain.yml -e "host=$host"
  has_no_vip "$host"
  ANSIBLE_STRATEGY=linear run -0 playbook playbooks/undrain.yml -e "host=$host"
  is_whole
}

# drain_and_undrain HOST COMMAND...: the command tells whether the host is really out
drain_and_undrain() {
  local host=$1 kind
  shift
  open_sale "drain-$host" 100000
  begin_probe --limit "$(patience 280)" --timeout "$(limit_ms 3000)"
  begin_buyers --rate "$(load_of 100)" --connections 20 --limit "$(patience 280)"
  gentle_playbook playbooks/drain.yml -e "host=$host"
  "$@"
  gentle_playbook playbooks/undrain.yml -e "host=$host"
  wait_until 30 is_whole
  call_off_buyers
  end_probe
  for kind in $(kinds_of "$host"); do
    figure "drain and undrain of $kind: purchases, and how many failed" \
      "$(crowd_figure buyers '"\(.attempts), \(.failed)"')" '' 0
    figure "drain and undrain of $kind: new connections, and how many failed" \
      "$(crowd_figure probe '"\(.attempts), \(.failed)"')" '' 0
    figure "drain and undrain of $kind: longest gap of the VIP" "$(crowd_figure probe .gapMs)" ms
  done
  no_request_failed
  assert_equal "$(crowd_figure probe .failed)" 0
  books_balance "$(crowd_figure buyers .decided.sold)"
}

kinds_of() {
  local group
  for group in directors web nodes redis workers; do
    if is_in "$group" "$1"; then
      echo "$group"
    fi
  done
}

sells_nothing() {
  run on "$1" 'systemctl is-active ticket-node@1.service'
  refute_output active
}
gets_nothing() {
  local director
  for director in $(hosts directors); do
    weight_is_zero "$director" "$1" || fail "$director still sends connections to $1"
  done
}
has_no_vip() {
  assert_not_equal "$(vip_owner)" "$1"
}
stores_nothing() {
  run on "$1" 'systemctl is-active order-worker.service'
  refute_output active
}
redis_is_stopped() {
  run on "$1" 'systemctl is-active redis-server.service'
  refute_output active
}
