# shellcheck shell=bash
# A checkout with the Vagrantfile, the inventories and a ./sluice that only says that it was called, and
# a network of its own, in which there is nothing.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

ROOT=$(cd -- "$BATS_TEST_DIRNAME/../.." && pwd)

make_checkout() {
  if ! command -v vagrant >/dev/null; then
    skip 'there is no vagrant here'
  fi
  UNSHARE=(unshare --net)
  ((EUID == 0)) || UNSHARE+=(--map-root-user)
  "${UNSHARE[@]}" true 2>/dev/null || skip 'a network namespace takes root here'
  CHECKOUT=$BATS_TEST_TMPDIR/checkout
  mkdir -p -- "$CHECKOUT/ansible" "$BATS_TEST_TMPDIR/home"
  cp -- "$ROOT/Vagrantfile" "$CHECKOUT/"
  cp -r -- "$ROOT/ansible/inventories" "$CHECKOUT/ansible/"
  # Vagrant loads the plugin with the Vagrantfile of its home.
  cp -- "$BATS_TEST_DIRNAME/support/machines-of-nothing.rb" "$BATS_TEST_TMPDIR/home/Vagrantfile"
  # shellcheck disable=SC2016 # expanded by the stand-in
  printf '#!/bin/sh\necho "sluice $*" >>"$LOG_OF_NOTHING"\nexit "${ANSIBLE_EXIT_CODE:-0}"\n' \
    >"$CHECKOUT/sluice"
  chmod +x "$CHECKOUT/sluice"
  export LOG_OF_NOTHING=$BATS_TEST_TMPDIR/log
  : >"$LOG_OF_NOTHING"
  export VAGRANT_HOME=$BATS_TEST_TMPDIR/home VAGRANT_DOTFILE_PATH=$BATS_TEST_TMPDIR/machines
  export VAGRANT_DEFAULT_PROVIDER=nothing VAGRANT_CHECKPOINT_DISABLE=1
  export SLUICE_VAGRANT_INVENTORY=vagrant-small
}

# in_nowhere COMMAND...: in a network of its own
in_nowhere() {
  "${UNSHARE[@]}" "$@" 3>&-
}

# in_checkout COMMAND...: there, and nowhere else
in_checkout() {
  in_nowhere env -C "$CHECKOUT" "$@"
}

needs_veth() {
  in_nowhere ip link add probe type veth peer name probe-peer 2>/dev/null ||
    skip "this machine's kernel has no veth"
}

# hosts_of INVENTORY: a line each, sorted
hosts_of() {
  ansible-inventory --inventory "$ROOT/ansible/inventories/$1/hosts.yml" --list |
    jq -r '._meta.hostvars | keys[]'
}
