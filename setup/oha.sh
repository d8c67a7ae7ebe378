# shellcheck shell=bash
# The load generator oha, built from source by cargo.

readonly CARGO_LIMIT_S=5400

has_oha() {
  [[ -x $OHA_DIR/bin/oha ]] || is_version oha "$OHA_VERSION"
}

# rustup puts cargo where only a login shell looks.
find_cargo() {
  PATH=$PATH:${CARGO_HOME:-${HOME:-/nonexistent}/.cargo}/bin
}

# Whether cargo and rustc are here and new enough.
has_rust() {
  local version
  version=$(rustc --version 2>/dev/null | awk '{ print $2 }') || return
  if [[ -z $version ]] || ! cargo --version >/dev/null 2>&1; then
    return 1
  fi
  [[ $(printf '%s\n' "$RUST_VERSION_MIN" "$version" | sort -V | head -n 1) == "$RUST_VERSION_MIN" ]]
}

# Debian's packages for the build that this machine lacks. `cargo-web` is the recent Rust that both
# Debian 12 and 13 carry for their browsers; their plain `cargo` is too old. The compiler and make
# are for the C parts: TLS, the allocator, SQLite.
list_oha_build_dependencies() {
  local package
  find_cargo
  for package in ca-certificates gcc libc6-dev make; do
    has_debian "$package" || DEBIAN_MISSING+=("$package")
  done
  has_rust || DEBIAN_MISSING+=(cargo-web)
}

install_oha() {
  local log=$CACHE_DIR/log/oha.log
  if ! run_step "oha $OHA_VERSION, built by cargo (minutes)" "$log" cargo_progress build_oha; then
    fail_step "building oha $OHA_VERSION" "$log" \
      "Check that cargo reaches its registry and that $CACHE_DIR has 1 GB free."
  fi
}

cargo_progress() {
  local crates
  crates=$(tail -c 4000 -- "$1" | grep -oE '[0-9]+/[0-9]+:' | tail -n 1) || true
  if [[ -n $crates ]]; then
    printf '%s crates' "${crates%:}"
  else
    printf 'fetching'
  fi
}

# The half-built is kept in the cache, not in /tmp (in memory on Debian 13), so that an interrupted
# build is taken up where it stopped.
build_oha() {
  local build=$CACHE_DIR/oha/build incoming=$CACHE_DIR/oha/.incoming
  rm -rf -- "$incoming" || return
  # Away from wherever the operator stands: toolchain files there are not meant for us.
  cd -- "$CACHE_DIR" || return
  # A cargo that is too old may come first on the PATH; Debian's was installed because of it.
  has_rust || PATH=/usr/bin:$PATH
  CARGO_TERM_PROGRESS_WHEN=always CARGO_TERM_PROGRESS_WIDTH=80 \
    timeout --foreground --kill-after=10 "$CARGO_LIMIT_S" \
    cargo install oha --version "$OHA_VERSION" --locked --root "$incoming" \
    --target-dir "$build" || return
  "$incoming/bin/oha" --version || return
  rm -rf -- "$OHA_DIR" "$build" && mv -- "$incoming" "$OHA_DIR"
}
