# shellcheck shell=bash
# shellcheck disable=SC2154 # ADDRESSES is ask.bash's
# What the Nginx of this host sends to the ticket nodes, for ask.bash of the role drain. Nginx keeps to
# itself which nodes it holds for dead, so each process that it has in its list is asked what Nginx
# would ask for: a connection, and an answer. One that drains is deaf to new connections at its end.
UPSTREAM=/etc/sluice/nginx/host/upstream.conf

# weigh ADDRESS PORT WEIGHT
weigh() {
  local weight=0 connections
  # shellcheck disable=SC2016 # expanded by the inner shell
  if timeout 2 bash -c '
    exec 3<>"/dev/tcp/$0/$1"
    printf "GET /healthz HTTP/1.1\r\nHost: sluice\r\nConnection: close\r\n\r\n" >&3
    read -r line <&3 && [[ $line == "HTTP/1.1 200 "* ]]' "$1" "$2" 2>/dev/null; then
    weight=$3
  fi
  connections=$(ss -Htn state established dst "$1:$2" | wc -l)
  printf '%s %d %d\n' "$1" "$weight" "$connections"
}

pool() {
  local address port weight
  while read -r address port weight; do
    if [[ " $ADDRESSES " == *" $address "* ]]; then
      weigh "$address" "$port" "$weight" &
    fi
  done < <(sed -nE 's/^server ([0-9.]+):([0-9]+) weight=([0-9]+) .*/\1 \2 \3/p' "$UPSTREAM")
  wait
}
