# shellcheck shell=bash
# Is the topology whole? Each test begins with one that is, whatever the test before left.

# units_of HOST: what has to run there, one unit a line
units_of() {
  local host=$1 process
  printf 'nftables.service\n'
  is_in directors "$host" && printf 'keepalived.service\n'
  is_in web "$host" && printf 'sluice-nginx.service\nsluice-vip.service\n'
  if is_in nodes "$host"; then
    for ((process = 1; process <= $(host_var "$host" ticket_node_processes 1); process++)); do
      printf 'ticket-node@%d.service\n' "$process"
    done
  fi
  is_in redis "$host" && printf 'redis-server.service\n'
  is_in workers "$host" && printf 'order-worker.service\n'
  if is_in postgresql "$host"; then
    printf 'postgresql.service\n'
  fi
}

# ready_checks_of HOST: commands that must succeed there, one a line
ready_checks_of() {
  local host=$1 port process
  if is_in nodes "$host"; then
    port=$(shared_var sluice_node_port_first 3001)
    for ((process = 0; process < $(host_var "$host" ticket_node_processes 1); process++)); do
      printf 'curl -sf -o /dev/null --max-time %d http://%s:%d/readyz\n' "$(patience 3)" \
        "$(address "$host")" "$((port + process))"
    done
  fi
  if is_in postgresql "$host"; then
    # Debian's postgresql.service is active whether or not its clusters are.
    printf 'pg_isready -q\n'
  fi
}

# health_script HOST: the command line that has it tell what it lacks. Few programs, since hosts of
# the lab and emulated ones are slow at starting them.
health_script() {
  local host=$1 check
  local -a units
  mapfile -t units < <(units_of "$host")
  # shellcheck disable=SC2016
  printf 'units="%s"; set -- $(systemctl is-active $units)\n' "${units[*]}"
  # shellcheck disable=SC2016
  printf 'for unit in $units; do test "$1" = active || echo "unit $unit"; shift; done\n'
  # shellcheck disable=SC2016
  printf 'for marker in /etc/sluice/*drained*; do test -e $marker && echo drained $marker; done\n'
  while read -r check; do
    printf '{ %s; } >/dev/null 2>&1 || echo "not ready: %s"\n' "$check" "${check//[\'\"]/}"
  done < <(ready_checks_of "$host")
  if is_in directors "$host"; then
    printf '%s\n' "$IPVS_LIST"
  fi
  printf 'true\n'
}

# ailments_of HOST: what is wrong with it, a line each; nothing if it is well
ailments_of() {
  local host=$1 said weights
  said=$(ON_LIMIT_S=15 on "$host" "$(health_script "$host")" 2>/dev/null) || {
    echo unreachable
    return
  }
  grep -E '^(unit|drained|not ready)' <<<"$said" || true
  if is_in directors "$host"; then
    weights=$(read_ipvs_weights <<<"$said")
    if [[ $weights != "$(inventory_weights)" ]]; then
      echo "pool: ${weights//$'\n'/ }"
    fi
  fi
}

# is_well HOST: is nothing wrong with it?
is_well() {
  [[ -z $(ailments_of "$1") ]]
}

# ailments: of all hosts, "HOST: WHAT" a line
ailments() {
  local host
  for host in $(hosts all); do
    ailments_of "$host" | sed "s/^/$host: /" &
  done
  wait
}

is_whole() {
  local found
  found=$(ailments)
  printf '%s' "$found" >"$RUN_STATE/ailments.txt"
  [[ -z $found ]] && vip_owner >/dev/null && vip_answers
}

# make_whole: for setup. Puts right what an earlier test left, and fails if it cannot.
make_whole() {
  if is_whole; then
    return
  fi
  echo "the topology is not whole, which is put right first: $(cat -- "$RUN_STATE/ailments.txt")"
  local host
  for host in $(hosts all); do
    repair "$host"
  done
  wait_until 120 is_whole || {
    cat -- "$RUN_STATE/ailments.txt" >&2
    return 1
  }
}

repair() {
  local host=$1 found
  found=$(sed -n "s/^$host: //p" "$RUN_STATE/ailments.txt")
  case $found in
    '') return ;;
    *unreachable*)
      if has_power; then
        power on "$host" || true
      fi
      ;;
    *)
      on "$host" "sudo systemctl reset-failed; sudo systemctl start $(units_of "$host" | tr '\n' ' ')" || true
      if [[ $found == *drained* ]]; then
        playbook playbooks/undrain.yml -e "host=$host" || true
      fi
      ;;
  esac
}

# Weights of the Nginx hosts, as the inventory has them: "ADDRESS WEIGHT" a line, sorted
inventory_weights() {
  local host
  for host in $(hosts web); do
    printf '%s %s\n' "$(address "$host")" "$(host_var "$host" web_weight 1)"
  done | sort
}

# The same as a director has them
IPVS_LIST='sudo ipvsadm -Ln'
ipvs_weights() {
  ON_LIMIT_S=10 on "$1" "$IPVS_LIST" | read_ipvs_weights
}
read_ipvs_weights() {
  awk '$1 == "->" && $4 ~ /^[0-9]+$/ { sub(/:[0-9]+$/, "", $2); print $2, $4 }' | sort
}

# ipvs_weight DIRECTOR WEB_HOST
ipvs_weight() {
  ipvs_weights "$1" | awk -v address="$(address "$2")" '$1 == address { print $2 }'
}
weight_is_zero() {
  # Deleted from the table is out as well.
  [[ $(ipvs_weight "$1" "$2") =~ ^0?$ ]]
}
weight_is_back() {
  [[ $(ipvs_weight "$1" "$2") == "$(host_var "$2" web_weight 1)" ]]
}
