# shellcheck shell=bash
# shellcheck disable=SC2154 # the environment
# Whether a node hears from the ledger that all of the pool live. Nothing to say where the default
# sale was not created yet: then the node knows of nothing that is left of it.
set -euo pipefail

living() {
  exec {socket}<>"/dev/tcp/${LISTEN%:*}/${LISTEN##*:}"
  printf 'GET /metrics HTTP/1.1\r\nHost: deploy\r\nConnection: close\r\n\r\n' >&"$socket"
  timeout 5 cat <&"$socket" | awk -v sale="sale=\"$SALE\"" '
    { sub(/\r$/, "") }
    index($1, sale) && /^sluice_left{/ { known = 1 }
    index($1, sale) && /^sluice_living_nodes{/ { living = $2 }
    END { if (known) print living }'
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
