# shellcheck shell=bash
# Bun itself, and the node packages of package.json.

readonly NPM_LIMIT_S=900

has_bun() {
  [[ -x $BUN_DIR/bin/bun ]] || is_version bun "$BUN_VERSION"
}

# is_version PROGRAM VERSION: whether the program on the PATH is exactly that one.
is_version() {
  command -v "$1" >/dev/null && [[ " $("$1" --version 2>/dev/null) " == *" $2 "* ]]
}

# The package with the binary itself is installed, not `bun`: that one only picks the former by an
# install script, which current npm does not run, and takes it for optional, so that npm calls a
# failed download a success.
bun_package() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) printf '@oven/bun-linux-x64\n' ;;
    Linux-aarch64) printf '@oven/bun-linux-aarch64\n' ;;
    *) fail "there is no Bun for $(uname -s) on $(uname -m); Linux on x86_64 or aarch64 is needed." ;;
  esac
}

install_bun() {
  local package log=$CACHE_DIR/log/bun.log
  package=$(bun_package)
  if ! run_step "Bun $BUN_VERSION, from the npm registry" "$log" last_line fetch_bun "$package"; then
    fail_step "installing Bun $BUN_VERSION" "$log" \
      "Check that npm reaches its registry (npm ping)."
  fi
}

# Everything happens in a place of its own and is moved at the end: what is in the final place is
# whole, whenever the power went.
fetch_bun() {
  local package=$1 staging=$CACHE_DIR/bun/.incoming version
  rm -rf -- "$staging" && mkdir -p -- "$staging/bin" || return
  timeout --foreground --kill-after=10 "$NPM_LIMIT_S" \
    npm install --prefix "$staging" --no-save --ignore-scripts --no-audit --no-fund \
    "$package@$BUN_VERSION" || return
  version=$("$staging/node_modules/$package/bin/bun" --version) || return
  if [[ $version != "$BUN_VERSION" ]]; then
    printf 'The binary says that it is Bun %s.\n' "$version"
    return 1
  fi
  ln -s "../node_modules/$package/bin/bun" "$staging/bin/bun" || return
  ln -s bun "$staging/bin/bunx" || return
  rm -rf -- "$BUN_DIR" && mv -- "$staging" "$BUN_DIR"
}

# The stamp holds `packages` or `packages-all`, and what they were installed from.
packages_stamp=$SLUICE_ROOT/node_modules/.sluice-installed

packages_sources() {
  (cd -- "$SLUICE_ROOT" && sha256sum package.json bun.lock)
}

has_packages() {
  local stamp
  [[ -r $packages_stamp ]] || return
  stamp=$(<"$packages_stamp")
  [[ ${stamp#*$'\n'} == "$(packages_sources)" ]] || return
  [[ ${stamp%%$'\n'*} == "$1" || ${stamp%%$'\n'*} == packages-all ]]
}

install_packages() {
  local log=$CACHE_DIR/log/packages.log
  if [[ ! -w $SLUICE_ROOT || (-e $SLUICE_ROOT/node_modules && ! -w $SLUICE_ROOT/node_modules) ]]; then
    fail "$SLUICE_ROOT/node_modules cannot be written by $(id -un). Run this command once as the" \
      "owner of $SLUICE_ROOT, then it works for everybody."
  fi
  if ! run_step "node packages, from the npm registry" "$log" last_line fetch_packages "$1"; then
    fail_step "installing the node packages" "$log" "Check that the npm registry can be reached."
  fi
}

fetch_packages() {
  local -a extent=()
  if [[ $1 == packages ]]; then
    extent=(--production)
  fi
  rm -f -- "$packages_stamp" || return
  # Bun brings authorities of its own; the machine's may know one more, of the company's proxy.
  (cd -- "$SLUICE_ROOT" && timeout --foreground --kill-after=10 "$NPM_LIMIT_S" \
    bun install --frozen-lockfile --ignore-scripts --no-progress \
    --use-system-ca "${extent[@]}") || return
  printf '%s\n%s\n' "$1" "$(packages_sources)" >"$packages_stamp"
}
