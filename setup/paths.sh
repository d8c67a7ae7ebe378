# shellcheck shell=bash
# Where things are kept, and the PATH that leads to them.

find_paths() {
  local cache_home=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
  if [[ $cache_home != /* ]]; then
    fail "there is no place for what has to be installed: neither HOME nor XDG_CACHE_HOME names" \
      "an absolute path. Set one of them and start again."
  fi
  CACHE_DIR=$cache_home/sluice
  BUN_VERSION=$(read_bun_version)
  BUN_DIR=$CACHE_DIR/bun/$BUN_VERSION
  OHA_DIR=$CACHE_DIR/oha/$OHA_VERSION
  ANSIBLE_DIR=$CACHE_DIR/ansible/$(hash_ansible)
  # The system's sbin directories come last: an ordinary user's PATH lacks them.
  export PATH="$BUN_DIR/bin:$OHA_DIR/bin:$ANSIBLE_DIR/bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin"
}

read_bun_version() {
  local manifest=$SLUICE_ROOT/package.json
  if [[ $(<"$manifest") =~ \"packageManager\":\ *\"bun@([0-9.]+)\" ]]; then
    printf '%s\n' "${BASH_REMATCH[1]}"
  else
    fail "$manifest names no version of Bun (\"packageManager\": \"bun@X.Y.Z\")."
  fi
}

# Other requirements are another environment.
hash_ansible() {
  local hash
  hash=$(sha256sum "$SLUICE_ROOT/ansible/requirements.txt" 2>/dev/null) || true
  printf '%s\n' "${hash:0:12}"
}

make_cache() {
  if ! mkdir -p -- "$CACHE_DIR/log" 2>/dev/null || [[ ! -w $CACHE_DIR/log ]]; then
    fail "$CACHE_DIR cannot be written, and what has to be installed is kept there. Make it" \
      "writable, or set XDG_CACHE_HOME to another directory, and start again."
  fi
}
