# shellcheck shell=bash
# Waiting for a condition, never for a time.

now_ms() {
  date +%s%3N
}

# patience SECONDS: as many as the machine at hand needs for that
patience() {
  awk -v seconds="$1" -v factor="$TIME_FACTOR" 'BEGIN { printf "%d\n", seconds * factor + 0.999 }'
}

# limit_ms MILLISECONDS: a limit on a measured gap, likewise
limit_ms() {
  awk -v ms="$1" -v factor="$TIME_FACTOR" 'BEGIN { printf "%d\n", ms * factor }'
}

# load_of NUMBER: of requests or tickets, at once or a second, as many as the machine at hand bears
load_of() {
  awk -v number="$1" -v load="$LOAD_FACTOR" \
    'BEGIN { scaled = int(number * load + 0.5); print scaled < 1 ? 1 : scaled }'
}

# crowd_of NUMBER: of requests or tickets that are to last, at a rate of load_of. What takes longer
# takes longer to be over.
crowd_of() {
  awk -v number="$1" -v load="$LOAD_FACTOR" -v factor="$TIME_FACTOR" \
    'BEGIN { scaled = int(number * load * factor + 0.5); print scaled < 1 ? 1 : scaled }'
}

# wait_until SECONDS COMMAND...: runs it again and again until it succeeds
wait_until() {
  local seconds deadline
  seconds=$(patience "$1")
  deadline=$((SECONDS + seconds))
  shift
  until "$@"; do
    if ((SECONDS >= deadline)); then
      echo "waited $seconds s in vain for: $*" >&2
      return 1
    fi
    sleep 0.1
  done
}

# stays_true_for SECONDS COMMAND...: looks again and again, and fails as soon as it does not hold
stays_true_for() {
  local deadline=$((SECONDS + $1))
  shift
  while ((SECONDS < deadline)); do
    "$@" || return 1
    sleep 0.1
  done
}
