#!/usr/bin/env bats
# The power of the whole room fails.

load support/lab

setup() {
  make_whole
}
teardown() {
  stop_crowds
}

# A host that a deployment has just changed, and the power goes before the system would have written it
# by itself. What it lost then was there by name, with nothing in it.
@test "a host loses power as soon as its deployment is over: it comes back as it was deployed" {
  needs_power
  local host path
  local -a installed=(/etc/keepalived/keepalived.conf /etc/sysctl.d/60-sluice-director.conf
    /etc/systemd/system/keepalived.service.d/sluice.conf /usr/local/lib/sluice/vip-notify)
  host=$(other_director "$(vip_owner)")
  on "$host" "sudo rm -- ${installed[*]}"
  run -0 playbook site.yml --limit "$host" --tags lvs_director
  power off "$host"
  power on "$host"
  for path in "${installed[@]}"; do
    run -0 on "$host" "sudo grep -c . $path"
  done
  wait_until 120 is_well "$host"
}

@test "every host loses power in the middle of a sale: it all comes up by itself, books balanced" {
  needs_power
  local durability began_ms requests
  local -a all
  durability=$(shared_var sluice_durability primary)
  [[ $durability != memory ]] || skip 'with the durability "memory" a power failure may cost orders'
  mapfile -t all < <(hosts all)
  requests=$(crowd_of 1500)
  open_sale power 100000
  # They ask on for as long as the hosts may take to come back.
  begin_buyers --requests "$requests" --rate "$(load_of 200)" --connections 20 \
    --settle "$(patience 240)" --limit "$(patience 270)"
  power off "${all[@]}"
  run ! vip_answers
  began_ms=$(now_ms)
  power on "${all[@]}"
  wait_until 180 vip_answers
  figure 'all hosts, from power on until the VIP answers' "$((($(now_ms) - began_ms) / 1000))" s
  buyers_are_done
  figure 'all hosts: from power on until the first ticket is sold' \
    "$((($(crowd_figure buyers .gapToMs) - began_ms) / 1000))" s
  figure 'all hosts: purchases without an answer at the power cut' "$(crowd_figure buyers .lost)" "of $requests"
  wait_until 120 is_whole
  everything_was_decided
  only_honest_answers
  books_balance "$(crowd_figure buyers .decided.sold)"
  # Who was told "sold" before the power went has the order still.
  told_orders_exist "$BATS_TEST_TMPDIR/buyers.json"
}
