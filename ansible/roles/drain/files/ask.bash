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

# look: sets `report`, and `others` to those that do not have WEIGHT
look() {
  local found pair host address weight connections line
  local -A weights=() opens=()
  found=$(pool)
  while read -r address weight connections; do
    if [[ -n $address ]]; then
      weights[$address]=$((${weights[$address]:-0} + weight))
      opens[$address]=$((${opens[$address]:-0} + connections))
    fi
  done <<<"$found"
  report=() others=()
  for pair in $HOSTS; do
    host=${pair%%=*} address=${pair#*=}
    weight=${weights[$address]:-0}
    printf -v line '{"balancer":"%s","host":"%s","weight":%d,"connections":%d}' \
      "$BALANCER" "$host" "$weight" "${opens[$address]:-0}"
    report+=("$line")
    if [[ -n $WEIGHT && $weight != "$WEIGHT" ]]; then
      others+=("$BALANCER gives $host the weight $weight instead of $WEIGHT after $LIMIT s.")
    fi
  done
}

# Few programs and not too often: what is asked about goes on meanwhile, and this host with it.
end=$((SECONDS + LIMIT))
look
until ((${#others[@]} == 0)); do
  if ((SECONDS >= end)); then
    printf '%s\n' "${others[@]}" >&2
    exit 1
  fi
  sleep 0.5
  look
done
printf '%s\n' "${report[@]}"
