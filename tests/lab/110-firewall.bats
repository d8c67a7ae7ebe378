#!/usr/bin/env bats
# Who can reach what: buyers the VIP, each tier what it needs, strangers nothing.

load support/lab

# Nothing here breaks anything, and one look at everything is enough for all who ask who reaches what.
setup_file() {
  make_whole
  scan_from_hosts
}

# What listens anywhere but on loopback, "ADDRESS:PORT" a line, as the hosts themselves say. Ports that
# are not in the inventory must not answer either.
listening_ports() {
  local host
  for host in $(hosts all); do
    on "$host" 'ss -Htln' | awk -v address="$(address "$host")" '
      $4 !~ /^(127\.|\[::1\])/ { sub(/^.*:/, "", $4); print address ":" $4 }'
  done
}

@test "from the crowd's network nothing but the VIP's port answers" {
  needs_crowd_apart
  local -a targets
  local port
  mapfile -t targets < <({
    all_ports
    listening_ports
    # The VIP with every port that any host has, and what strangers try first.
    { all_ports && listening_ports; } | sed "s/^.*:/$(vip):/"
    for port in 21 23 25 53 111 443 2049 8080 8081 9090; do
      echo "$(vip):$port"
    done
  } | sort -u)
  ((${#targets[@]} > $(host_count all))) || fail 'there was nothing to look for'
  run -0 crowd python3 "$TOOLS/port-scan.py" "$(patience 2)" "${targets[@]}"
  echo "${#targets[@]} ports looked at"
  assert_equal "$(grep -c . <<<"$output")" "${#targets[@]}"
  assert_equal "$(awk '$2 == "open" { print $1 }' <<<"$output")" "$(vip):$(vip_port)"
}

@test "ssh answers the control machine on every host" {
  local -a targets
  mapfile -t targets < <(all_ports ssh)
  run -0 control python3 "$TOOLS/port-scan.py" "$(patience 2)" "${targets[@]}"
  assert_equal "$(awk '$2 == "open" { print $1 }' <<<"$output" | sort)" \
    "$(printf '%s\n' "${targets[@]}" | sort)"
}

@test "ticket nodes answer the Nginx hosts, and no other host" {
  only_reached_from node web
}

@test "Redis answers the nodes, the workers and the other Redis, and no other host" {
  only_reached_from redis nodes workers redis
}

@test "PostgreSQL answers the workers, and no other host" {
  # The lab has both on one host, so that from the others nothing may answer.
  only_reached_from postgresql workers
}

@test "ssh and the Nginx hosts' own addresses are closed to hosts that have no business there" {
  only_reached_from ssh
  # Directors ask whether an Nginx host is ready.
  only_reached_from front directors
}

@test "adverts of a stranger in the directors' network are dropped, and the VIP stays" {
  needs_several directors 'there is no VRRP'
  local owner before after dropped
  owner=$(vip_owner)
  before=$(foreign_adverts "$owner")
  forge control "$(control_address "$owner")" "$owner" 150 &
  local forging=$!
  stays_true_for 4 owner_is "$owner"
  wait "$forging"
  after=$(foreign_adverts "$owner")
  dropped=$((after - before))
  # Some may have been lost on the way; none of them must have been let in.
  ((dropped >= 140 && dropped <= 150)) || fail "$dropped of 150 forged adverts were counted as dropped"
  owner_is "$owner"
}

@test "adverts from beyond a router in the name of the other director are dropped as well" {
  needs_crowd_apart
  needs_several directors 'there is no VRRP'
  local owner peer
  owner=$(vip_owner)
  peer=$(other_director "$owner")
  forge crowd "$(address "$peer")" "$owner" 150 &
  local forging=$!
  stays_true_for 4 owner_is "$owner"
  wait "$forging"
  owner_is "$owner"
}

owner_is() {
  [[ $(vip_owners) == "$1" ]]
}

# forge control|crowd SOURCE DIRECTOR COUNT: packets made by hand take root's rights
forge() {
  # shellcheck disable=SC2016
  "$1" sh -c 'if [ "$(id -u)" = 0 ]; then exec "$@"; else exec sudo -n "$@"; fi' sh \
    python3 "$TOOLS/vrrp-forger.py" "$2" "$(address "$3")" \
    "$(shared_var sluice_vrrp_router_id)" "$(vip)" "$4"
}

# The control machine's address towards a host: of this network, and no director's.
control_address() {
  control ip -4 -o route get "$(address "$1")" | grep -oP 'src \K[0-9.]+'
}

# foreign_adverts DIRECTOR: packets that its firewall counted as adverts from strangers
foreign_adverts() {
  on "$1" 'sudo nft -j list counters' |
    jq '[.nftables[].counter? | select(. != null and (.name | test("vrrp"))) | .packets] | add // 0'
}
