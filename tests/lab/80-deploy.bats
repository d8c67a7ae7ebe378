#!/usr/bin/env bats
# A new version, in the middle of a sale.

load support/lab

setup() {
  make_whole
}
teardown() {
  stop_crowds
}

@test "a new version reaches every host under load, and not one request fails" {
  local release began_ms host group
  for group in directors web nodes; do
    needs_several "$group" 'nobody could stand in for it'
  done
  # Another label is another release, of the same sources.
  release=$("$ROOT/sluice" build --label "$RUN_ID" --json | jq -r .release)
  open_sale deploy 100000
  # A packet that opens a connection and is lost as the VIP moves is sent again after a second.
  CROWD_LIMIT_S=600 begin_probe --limit "$(patience 600)" --timeout "$(limit_ms 3000)"
  CROWD_LIMIT_S=600 begin_buyers --rate "$(load_of 100)" --connections 20 --limit "$(patience 600)"
  began_ms=$(now_ms)
  run -0 gentle_playbook playbooks/deploy.yml -e "release_label=$RUN_ID"
  figure 'deploy.yml under load' "$((($(now_ms) - began_ms) / 1000))" s
  call_off_buyers
  end_probe
  figure 'deploy.yml: purchases meanwhile, and how many failed' \
    "$(crowd_figure buyers '"\(.attempts), \(.failed)"')" '' 0
  figure 'deploy.yml: new connections meanwhile, and how many failed' \
    "$(crowd_figure probe '"\(.attempts), \(.failed)"')" '' 0
  figure 'deploy.yml: slowest purchase' "$(crowd_figure buyers '.latencyMs.max | round')" ms
  figure 'deploy.yml: longest gap of the VIP' "$(crowd_figure probe .gapMs)" ms
  # It is what runs, in a deployment: RELEASE.HASH OF THE CONFIGURATION.
  for host in $(hosts nodes); do
    runs_from "$host" ticket-node ticket-node@1.service "$release"
  done
  for host in $(hosts workers); do
    runs_from "$host" order-worker order-worker.service "$release"
  done
  no_request_failed
  assert_equal "$(crowd_figure probe .failed)" 0
  books_balance "$(crowd_figure buyers .decided.sold)"
}

# runs_from HOST PROGRAM UNIT RELEASE
runs_from() {
  run -0 on "$1" "systemctl show -P MainPID $3 | sudo xargs -I{} readlink /proc/{}/exe"
  assert_output --regexp "^/opt/sluice/deployments/$2/$4[.][0-9a-f]{12}/$2\$"
  run -0 on "$1" "readlink /opt/sluice/current/$2"
  assert_output --regexp "^../deployments/$2/$4[.][0-9a-f]{12}\$"
}
