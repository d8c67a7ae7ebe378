#!/usr/bin/env bats
# The Vagrantfile, without a machine: what it says of the topology, what it refuses, when it deploys.

load support/checkout

setup() {
  make_checkout
}

is_valid_and_names_the_hosts_of() {
  export SLUICE_VAGRANT_INVENTORY=$1 VAGRANT_DEFAULT_PROVIDER=libvirt
  [[ -e /usr/share/vagrant-plugins/plugins.d/vagrant-libvirt.json ]] ||
    skip "vagrant-libvirt is not installed from Debian's package"
  run -0 in_checkout vagrant validate
  run -0 in_checkout vagrant status --machine-readable
  assert_equal "$(awk -F, '$3 == "provider-name" { print $2 }' <<<"$output" | sort)" \
    "$(hosts_of "$1")"
}

@test "the inventory vagrant: the Vagrantfile is valid and names its hosts" {
  is_valid_and_names_the_hosts_of vagrant
}

@test "the inventory vagrant-small: the Vagrantfile is valid and names its hosts" {
  is_valid_and_names_the_hosts_of vagrant-small
}

@test "Ansible runs once, when all machines are up, with the inventory that was chosen" {
  run -0 in_checkout vagrant up
  assert_equal "$(grep -c '^up ' "$LOG_OF_NOTHING")" "$(hosts_of vagrant-small | wc -l)"
  assert_equal "$(grep ^sluice "$LOG_OF_NOTHING")" \
    'sluice playbook -i inventories/vagrant-small/hosts.yml site.yml'
  assert_equal "$(tail -n 1 "$LOG_OF_NOTHING")" "$(grep ^sluice "$LOG_OF_NOTHING")"
}

@test "vagrant up fails when Ansible does, and vagrant provision tries again" {
  ANSIBLE_EXIT_CODE=2 run ! in_checkout vagrant up
  assert_output --partial 'Ansible failed'
  run -0 in_checkout vagrant provision
  assert_equal "$(grep -c ^sluice "$LOG_OF_NOTHING")" 2
}

@test "nothing is deployed when a machine did not come up" {
  FAILING_MACHINE=web1 run ! in_checkout vagrant up
  run ! grep ^sluice "$LOG_OF_NOTHING"
}

@test "one machine alone is booted, and it is said that nothing is deployed" {
  run -0 in_checkout vagrant up lvs1
  assert_output --partial 'nothing is deployed, for lvs2 web1 node1 node2 redis1 orders1 do not answer'
  assert_equal "$(cat -- "$LOG_OF_NOTHING")" 'up lvs1'
}

@test "--no-provision boots and deploys nothing" {
  run -0 in_checkout vagrant up --no-provision
  run ! grep ^sluice "$LOG_OF_NOTHING"
}

@test "an inventory that there is not is refused by its name" {
  export SLUICE_VAGRANT_INVENTORY=vagrnat
  run ! in_checkout vagrant status
  assert_output --partial 'there is no ansible/inventories/vagrnat/hosts.yml'
}

@test "hosts that need more memory than there is are refused before any is booted" {
  sed -i 's/vm_memory_mb: .*/vm_memory_mb: 99999999/' \
    "$CHECKOUT/ansible/inventories/vagrant-small/hosts.yml"
  run ! in_checkout vagrant up
  assert_output --partial '7 hosts take 699999993 MB'
  assert_equal "$(cat -- "$LOG_OF_NOTHING")" ''
}

@test "an address range that this machine has elsewhere is refused before any is booted" {
  needs_veth
  # shellcheck disable=SC2016 # expanded by the inner shell
  run ! in_nowhere bash -euc '
    ip link add office type veth peer name wire
    ip address add 192.168.56.77/24 dev office
    ip link set office up
    cd -- "$1" && vagrant up
  ' - "$CHECKOUT"
  assert_output --partial '192.168.56.0/24 is taken: office has 192.168.56.77'
  assert_equal "$(cat -- "$LOG_OF_NOTHING")" ''
}

@test "the bridge of the machines themselves is no reason to refuse them" {
  needs_veth
  # shellcheck disable=SC2016 # expanded by the inner shell
  run -0 in_nowhere bash -euc '
    ip link add virbr7 type veth peer name wire
    ip address add 192.168.56.1/24 dev virbr7
    ip link set virbr7 up
    cd -- "$1" && vagrant up
  ' - "$CHECKOUT"
}

@test "a provider whose plugin is missing is refused by the plugin's name" {
  export VAGRANT_NO_PLUGINS=1
  run ! in_checkout vagrant up --provider libvirt
  assert_output --partial 'vagrant-libvirt, which is not installed'
  if ! command -v VBoxManage >/dev/null; then
    run ! in_checkout env --unset=VAGRANT_DEFAULT_PROVIDER vagrant up
    assert_output --partial 'vagrant-libvirt, which is not installed'
  fi
}
