# shellcheck shell=bash
# What Vagrant's machines run on: QEMU, and a libvirt that is started by `./sluice vagrant` alone.

# The QEMU of Debian 12 (7.2) does not get through the start of Debian 13's kernel where it has to
# emulate the processor; 10.0, of Debian 13 and of Debian 12's backports, does.
readonly QEMU_EMULATION_MIN=10

# Whether the processor helps. A /dev/kvm that opens proves nothing: without that, guests hang.
has_kvm() {
  [[ -w /dev/kvm ]] && grep -qwE 'vmx|svm' /proc/cpuinfo
}

has_qemu() {
  local version
  command -v qemu-system-x86_64 >/dev/null && command -v qemu-img >/dev/null || return
  has_kvm && return
  version=$(qemu-system-x86_64 --version | sed -n '1s/^QEMU emulator version \([0-9]*\)\..*/\1/p')
  ((${version:-0} >= QEMU_EMULATION_MIN))
}

# The daemon and the drivers that it is asked for.
has_libvirt() {
  local driver
  local -a files
  command -v libvirtd >/dev/null || return
  for driver in qemu network storage; do
    files=(/usr/lib/*/libvirt/connection-driver/"libvirt_driver_$driver.so")
    [[ -e ${files[0]} ]] || return
  done
}

debian_release() {
  # shellcheck source=/dev/null
  (source /etc/os-release && printf '%s\n' "${VERSION_ID%%.*}")
}

list_libvirt_packages() {
  DEBIAN_MISSING+=(libvirt-daemon libvirt-daemon-driver-qemu)
  # Debian 12 has the other drivers in libvirt-daemon.
  if [[ $(debian_release) != 12 ]]; then
    DEBIAN_MISSING+=(libvirt-daemon-driver-network libvirt-daemon-driver-storage)
  fi
}

list_qemu_packages() {
  if [[ $(debian_release) == 12 ]] && ! has_kvm; then
    BACKPORTS_MISSING+=(qemu-system-x86 qemu-utils)
  else
    DEBIAN_MISSING+=(qemu-system-x86 qemu-utils)
  fi
}

install_backports() {
  local log=$CACHE_DIR/log/backports.log
  # shellcheck disable=SC2154 # check_debian has set it
  if ! run_step "Debian packages, from its backports" "$log" last_line \
    "${as_root[@]}" bash "$SLUICE_ROOT/setup/debian-install" --backports "${BACKPORTS_MISSING[@]}"; then
    fail_step "installing ${BACKPORTS_MISSING[*]}" "$log" \
      "Check that this machine's Debian mirror has the backports of its release."
  fi
}
