#!/usr/bin/env bats
# The deployment itself: what is deployed stays as it is, and is what it should be.

load support/lab

setup() {
  make_whole
}

@test "deploying again what is deployed changes nothing on any host" {
  local began_ms
  began_ms=$(now_ms)
  run -0 playbook site.yml -e "release_label=$(deployed_label)"
  figure 'site.yml a second time' "$((($(now_ms) - began_ms) / 1000))" s
  local host
  for host in $(hosts all); do
    assert_line --regexp "^$host +: ok=[1-9][0-9]* +changed=0 +unreachable=0 +failed=0 "
  done
  refute_output --regexp 'changed=[1-9]'
}

@test "a unit that is newer than what systemd knows, as a run that was killed leaves it, is loaded by the next run" {
  local host
  host=$(first_host web)
  on "$host" 'sudo touch /etc/systemd/system/sluice-vip.service'
  run -0 on "$host" 'systemctl show -P NeedDaemonReload sluice-vip.service'
  assert_output yes
  run -0 playbook site.yml --limit "$host" --tags lvs_realserver
  run -0 on "$host" 'systemctl show -P NeedDaemonReload sluice-vip.service'
  assert_output no
}

@test "verify.yml finds every host to be what the inventory says" {
  run -0 playbook playbooks/verify.yml
  local host
  for host in $(hosts all); do
    assert_line --regexp "^$host +: ok=[1-9][0-9]* +changed=0 +unreachable=0 +failed=0 "
  done
}

@test "verify.yml says so when a host is not what it should be" {
  local node
  node=$(first_host nodes)
  on "$node" 'sudo systemctl stop ticket-node@1.service'
  run ! playbook playbooks/verify.yml --limit "$node"
  assert_output --partial ticket-node
}

@test "what sells goes before everything else on its host" {
  local tier unit cgroup
  while read -r tier unit; do
    run -0 on "$(first_host "$tier")" "systemctl show --property ControlGroup --value $unit"
    assert_output --regexp "/sluice\.slice/$unit\$"
    cgroup=$output
    run -0 on "$(first_host "$tier")" "cat /sys/fs/cgroup${cgroup%/*}/cpu.weight"
    assert_output 1000
  done <<'UNITS'
directors keepalived.service
web sluice-nginx.service
nodes ticket-node@1.service
redis redis-server.service
postgresql postgresql@17-main.service
workers order-worker.service
UNITS
}
