# shellcheck shell=bash
# Installs what is missing: one launcher at a time, and lists it before.

# How long to wait for another launcher's installation; it may be building oha on a slow machine.
readonly SETUP_WAIT_S=${SLUICE_SETUP_WAIT_SECONDS:-3600}

install_missing() {
  make_cache
  take_lock
  # Another launcher may have installed it all while we waited.
  find_missing
  if ((${#MISSING[@]} > 0)); then
    trap stop_ticker EXIT
    trap 'interrupted 130' INT
    trap 'interrupted 143' TERM HUP
    list_debian_missing
    if ((${#DEBIAN_MISSING[@]} + ${#BACKPORTS_MISSING[@]} > 0)); then
      check_debian
    fi
    print_plan
    install_in_order
    trap - EXIT INT TERM HUP
    hash -r
  fi
  exec 9>&-
}

take_lock() {
  exec 9>"$CACHE_DIR/lock"
  if flock --nonblock 9; then
    return
  fi
  report "Another ./sluice is installing; waiting for it, at most $SETUP_WAIT_S s."
  if ! flock --wait "$SETUP_WAIT_S" 9; then
    fail "another ./sluice has been installing for $SETUP_WAIT_S s (it holds $CACHE_DIR/lock)." \
      "See what it is doing, end it if it hangs, and start again."
  fi
}

interrupted() {
  stop_ticker
  report ''
  report 'sluice: interrupted while installing. The next start goes on from here.'
  exit "$1"
}

# Sets `DEBIAN_MISSING`: what was asked for, and what Bun, oha and Ansible take to be installed; and
# `BACKPORTS_MISSING`, of which this machine's Debian has too old a version.
list_debian_missing() {
  local dependency
  DEBIAN_MISSING=()
  BACKPORTS_MISSING=()
  for dependency in "${MISSING[@]}"; do
    case $dependency in
      # npm brings ca-certificates.
      bun) has_debian npm || DEBIAN_MISSING+=(npm) ;;
      oha) list_oha_build_dependencies ;;
      ansible) list_ansible_build_dependencies ;;
      libvirt) list_libvirt_packages ;;
      qemu) list_qemu_packages ;;
      packages | packages-all) ;;
      *) DEBIAN_MISSING+=("$dependency") ;;
    esac
  done
}

print_plan() {
  local dependency
  report 'To be installed first:'
  if ((${#DEBIAN_MISSING[@]} > 0)); then
    report "  from Debian, by apt-get: ${DEBIAN_MISSING[*]}"
    step_total=1
  fi
  if ((${#BACKPORTS_MISSING[@]} > 0)); then
    report "  from Debian's backports, a source that is used this once: ${BACKPORTS_MISSING[*]}"
    step_total=$((step_total + 1))
  fi
  for dependency in "${MISSING[@]}"; do
    case $dependency in
      bun) report "  Bun $BUN_VERSION, by npm, into $BUN_DIR" ;;
      packages | packages-all) report "  the node packages of bun.lock, by Bun, into node_modules" ;;
      oha) report "  oha $OHA_VERSION, built from source by cargo, into $OHA_DIR" ;;
      ansible) report "  Ansible, by pip, into $ANSIBLE_DIR" ;;
      *) continue ;;
    esac
    step_total=$((step_total + 1))
  done
}

install_in_order() {
  local dependency
  if ((${#DEBIAN_MISSING[@]} > 0)); then
    install_debian
  fi
  if ((${#BACKPORTS_MISSING[@]} > 0)); then
    install_backports
  fi
  for dependency in "${MISSING[@]}"; do
    case $dependency in
      bun) install_bun ;;
      packages | packages-all) install_packages "$dependency" ;;
      oha) install_oha ;;
      ansible) install_ansible ;;
    esac
  done
  find_missing
  if ((${#MISSING[@]} > 0)); then
    fail "everything was installed without an error, but this is still not there: ${MISSING[*]}." \
      "See the logs in $CACHE_DIR/log."
  fi
}
