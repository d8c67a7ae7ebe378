# shellcheck shell=bash
# Where things are kept, and the PATH that leads to them.

find_places() {
  local cache_home=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
  if [[ $cache_home != /* ]]; then
    fail "there is no place for what has to be installed: neither HOME nor XDG_CACHE_HOME names" \
      "an absolute path. Set one of them and start again."
  fi
  cache_dir=$cache_home/sluice
  bun_version=$(read_bun_version)
  bun_dir=$cache_dir/bun/$bun_version
  oha_dir=$cache_dir/oha/$OHA_VERSION
  # The system's sbin directories come last: they are there for nginx alone.
  export PATH="$bun_dir/bin:$oha_dir/bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin"
}

read_bun_version() {
  local manifest=$SLUICE_ROOT/package.json
  if [[ $(<"$manifest") =~ \"packageManager\":\ *\"bun@([0-9.]+)\" ]]; then
    printf '%s\n' "${BASH_REMATCH[1]}"
  else
    fail "$manifest names no version of Bun (\"packageManager\": \"bun@X.Y.Z\")."
  fi
}

make_cache() {
  if ! mkdir -p -- "$cache_dir/log" 2>/dev/null || [[ ! -w $cache_dir/log ]]; then
    fail "$cache_dir cannot be written, and what has to be installed is kept there. Make it" \
      "writable, or set XDG_CACHE_HOME to another directory, and start again."
  fi
}
