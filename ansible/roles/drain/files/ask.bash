# shellcheck shell=bash
# shellcheck disable=SC2154 # the environment
# Runs on a balancer, as root, behind pool.bash of its role. That has the function pool: it prints
# "ADDRESS WEIGHT CONNECTIONS" for each of ADDRESSES, WEIGHT 0 for one that is sent nobody; an address
# may be left out (which is weight 0) or come several times (which adds up).
#
# Prints a JSON object for each of HOSTS. With WEIGHT it does so when all of them have it, and fails if
# they have not after LIMIT seconds.
set -euo pipefail
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

ADDRESSES=
for pair in $HOSTS; do
  ADDRESSES+=" ${pair#*=}"
done
export ADDRESSES

# of ADDRESS: "WEIGHT CONNECTIONS" of it, of what pool printed
of() {
  awk -v address="$1" '$1 == address { weight += $2; connections += $3 }
    END { printf "%d %d\n", weight, connections }'
}

# look: sets `report`, and `others` to those that do not have WEIGHT
look() {
  local found pair weight connections
  found=$(pool)
  report=() others=()
  for pair in $HOSTS; do
    read -r weight connections < <(of "${pair#*=}" <<<"$found")
    report+=("$(printf '{"balancer":"%s","host":"%s","weight":%d,"connections":%d}' \
      "$BALANCER" "${pair%%=*}" "$weight" "$connections")")
    if [[ -n $WEIGHT && $weight != "$WEIGHT" ]]; then
      others+=("$BALANCER gives ${pair%%=*} the weight $weight instead of $WEIGHT after $LIMIT s.")
    fi
  done
}

end=$((SECONDS + LIMIT))
look
until ((${#others[@]} == 0)); do
  if ((SECONDS >= end)); then
    printf '%s\n' "${others[@]}" >&2
    exit 1
  fi
  sleep 0.2
  look
done
printf '%s\n' "${report[@]}"
