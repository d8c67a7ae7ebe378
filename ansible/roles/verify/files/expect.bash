# shellcheck shell=bash
# What the roles' verify.bash ask with. It is put in front of them and runs on the host, as root.
# Nothing ends the script early: every difference is to be told, not the first one.
#   differs: SENTENCE    is not as it should be
#   same: KEY VALUE      must be told alike by every host that tells KEY
#   one: KEY             must be told by exactly one host
# Standard output holds nothing but such lines.

set -uo pipefail
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

differs() {
  printf 'differs: %s\n' "$*"
}

same() {
  printf 'same: %s %s\n' "$1" "${2:-nothing}"
}

one() {
  printf 'one: %s\n' "$1"
}

# expect WHAT EXPECTED FOUND
expect() {
  if [[ $3 != "$2" ]]; then
    differs "$1 is '$3' instead of '$2'"
  fi
}

# expect_units UNIT..: active, and started with the system.
expect_units() {
  local unit
  for unit; do
    expect "$unit" active "$(systemctl is-active "$unit" 2>&1)"
    expect "$unit at boot" enabled "$(systemctl is-enabled "$unit" 2>&1)"
  done
}

# expect_hardened UNIT..: units of ours, better than 3.0 of 10.
expect_hardened() {
  local unit report
  for unit; do
    if ! report=$(systemd-analyze security --threshold=30 --no-pager "$unit" 2>&1); then
      differs "$unit is exposed more than 3.0: $(tail -n 1 <<<"$report")"
    fi
  done
}

# expect_sysctl KEY VALUE
expect_sysctl() {
  expect "sysctl $1" "$2" "$(sysctl -n "$1" 2>&1 | tr -s '[:blank:]' ' ')"
}

# expect_answer URL STATUS: asked from the host itself, within two seconds.
expect_answer() {
  local found
  found=$(
    python3 - "$1" 2>&1 <<'PYTHON'
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=2).status)
except urllib.error.HTTPError as error:
    print(error.code)
except OSError as error:
    print(error)
PYTHON
  )
  expect "$1" "$2" "$found"
}

# expect_listeners ADDRESS:PORT..: all of them, TCP, and no others but on loopback; ssh's is known.
# A `*` is any address. The same pair may be given twice.
expect_listeners() {
  local found listener
  found=$(ss -Hltn | awk '{ print $4 }' | sed -E 's/%[^:]*//; s/^(\[::\]|0\.0\.0\.0):/*:/' |
    grep -vE '^(127\.|\[::1\])|^\*:22$|:22$' | sort -u)
  for listener; do
    grep -qxF -- "$listener" <<<"$found" || differs "nothing listens on $listener"
  done
  while read -r listener; do
    [[ -z $listener || " $* " == *" $listener "* ]] ||
      differs "something listens on $listener that should not"
  done <<<"$found"
}
