# shellcheck shell=bash
# shellcheck disable=SC2154 # the environment
# Whether a node hears from the ledger that all of the pool live; nothing to say where the default
# sale was not created yet.
set -euo pipefail

living() {
  local line
  exec {socket}<>"/dev/tcp/${LISTEN%:*}/${LISTEN##*:}"
  printf 'GET /metrics HTTP/1.1\r\nHost: deploy\r\nConnection: close\r\n\r\n' >&"$socket"
  while read -r -t 5 line <&"$socket"; do
    if [[ $line == "sluice_living_nodes{"*"sale=\"$SALE\""* ]]; then
      line=${line%$'\r'}
      printf '%s\n' "${line##* }"
    fi
  done
  exec {socket}>&-
}

for ((second = 0; second < 20; second++)); do
  found=$(living)
  if [[ -z $found || $found -ge $POOL ]]; then
    exit 0
  fi
  sleep 1
done
printf 'the ledger knows %s living nodes instead of %s\n' "$found" "$POOL" >&2
exit 1
