# shellcheck shell=bash
# Debian's packages, as root or through sudo. The work itself is in setup/debian-install.

# check_debian: ends the launcher, before anything is installed, where packages cannot be.
check_debian() {
  local -a all=("${DEBIAN_MISSING[@]}" "${BACKPORTS_MISSING[@]}")
  local by_hand="apt-get install --no-install-recommends ${all[*]}"
  if ! command -v apt-get >/dev/null; then
    fail "this command needs ${all[*]} (names of Debian packages), and apt-get is not" \
      "here to install them. Install them in this system's own way and start again."
  fi
  if (($(id -u) == 0)); then
    as_root=()
    return
  fi
  if ! command -v sudo >/dev/null; then
    fail "installing ${all[*]} takes root's rights, and there is no sudo here. Have" \
      "somebody run, as root: $by_hand. Then start again."
  fi
  as_root=(sudo -n --)
  # Asked for here, where a password can be typed; the step itself runs without a terminal.
  if ! sudo -n true 2>/dev/null && { [[ ! -t 0 ]] || ! sudo -v; }; then
    fail "installing ${all[*]} takes root's rights, and sudo does not grant them to" \
      "$(id -un) here. Have somebody run, as root: $by_hand. Then start again."
  fi
}

install_debian() {
  local log=$CACHE_DIR/log/debian.log advice
  if run_step "Debian packages" "$log" last_line \
    "${as_root[@]}" bash "$SLUICE_ROOT/setup/debian-install" "${DEBIAN_MISSING[@]}"; then
    return
  fi
  advice="Check that apt-get update works and that no other package manager is at work."
  # apt's words for --no-remove. It happens with an old cargo or rustup of Debian's, which cargo-web
  # would replace.
  if grep -q 'remove is disabled' "$log"; then
    advice="It would remove packages that are installed, which is yours to decide: see it by"
    advice+=" apt-get install --simulate ${DEBIAN_MISSING[*]}. (A Rust of $RUST_VERSION_MIN or"
    advice+=" newer on the PATH does instead of cargo-web.)"
  fi
  fail_step "installing ${DEBIAN_MISSING[*]}" "$log" "$advice"
}
