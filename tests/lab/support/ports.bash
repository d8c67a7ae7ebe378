# shellcheck shell=bash
# Who may reach which port, and who does.

# ports_of HOST: what the topology serves there, "ADDRESS:PORT KIND" a line
ports_of() {
  local host=$1 address port process
  address=$(address "$host")
  printf '%s:22 ssh\n' "$address"
  if is_in web "$host"; then
    printf '%s:%s front\n' "$address" "$(vip_port)"
  fi
  if is_in nodes "$host"; then
    port=$(shared_var sluice_node_port_first 3001)
    for ((process = 0; process < $(host_var "$host" ticket_node_processes 1); process++)); do
      printf '%s:%d node\n' "$address" "$((port + process))"
    done
  fi
  if is_in redis "$host"; then
    printf '%s:%s redis\n' "$address" "$(shared_var sluice_redis_port 6379)"
  fi
  if is_in postgresql "$host"; then
    printf '%s:%s postgresql\n' "$address" "$(shared_var sluice_postgresql_port 5432)"
  fi
  if is_in workers "$host"; then
    printf '%s:%s worker\n' "$address" "$(shared_var sluice_worker_port 9400)"
  fi
}

# all_ports [KIND]: of all hosts, ADDRESS:PORT a line
all_ports() {
  local host
  for host in $(hosts all); do
    ports_of "$host"
  done | awk -v kind="${1-}" 'kind == "" || $2 == kind { print $1 }'
}

# ports_open_to HOST ADDRESS:PORT...: those that answer it
ports_open_to() {
  local host=$1 answers
  shift
  answers=$(on "$host" "PORT_SCAN_S=$(patience 2) bash -s -- $* <<'END'"$'\n'"$(cat -- "$TOOLS/port-scan")"$'\n'END) || return
  awk '$2 == "open" { print $1 }' <<<"$answers" | sort
}

# only_reached_from KIND GROUP...: from the hosts of those groups each port of the kind answers, from
# all others none. A host's own ports do not count: no packet of them crosses a wire.
only_reached_from() {
  local kind=$1 host group expected at_once=0
  local -a targets
  shift
  # Four hosts look at a time: each waits for what is silent, and has little to compute. In a shell of
  # their own, as bats has children too, which are not to be waited for.
  (
    for host in $(hosts all); do
      mapfile -t targets < <(targets_of "$kind" "$host")
      ((${#targets[@]} > 0)) || continue
      if ((at_once++ % 4 == 0)); then
        wait
      fi
      { ports_open_to "$host" "${targets[@]}" || echo 'could not look'; } \
        >"$BATS_TEST_TMPDIR/$kind-from-$host" &
    done
    wait
  )
  for host in $(hosts all); do
    mapfile -t targets < <(targets_of "$kind" "$host")
    ((${#targets[@]} > 0)) || continue
    expected=''
    for group; do
      if is_in "$group" "$host"; then
        expected=$(printf '%s\n' "${targets[@]}" | sort)
      fi
    done
    echo "$kind from $host"
    assert_equal "$(cat -- "$BATS_TEST_TMPDIR/$kind-from-$host")" "$expected"
  done
}

# targets_of KIND HOST: such ports on all hosts but this one
targets_of() {
  all_ports "$1" | grep -v "^$(address "$2"):"
}
