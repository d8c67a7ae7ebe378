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

# all_ports [KIND]: of all hosts, ADDRESS:PORT a line. They are listed once for a file of tests, which
# asks for them once for each host and kind, also several at a time: the list is there whole or not.
all_ports() {
  local host table=$BATS_FILE_TMPDIR/ports
  if [[ ! -e $table ]]; then
    for host in $(hosts all); do
      ports_of "$host"
    done >"$table.$BASHPID"
    mv -- "$table.$BASHPID" "$table"
  fi
  awk -v kind="${1-}" 'kind == "" || $2 == kind { print $1 }' "$table"
}

# port_scan ADDRESS:PORT...: the shell's command line that asks them all
port_scan() {
  printf "python3 - %s %s <<'END'\n%s\nEND\n" "$(patience 2)" "$*" "$(cat -- "$TOOLS/port-scan.py")"
}

# targets_from HOST [KIND]: such ports on all hosts but this one, whose own packets cross no wire
targets_from() {
  all_ports "${2-}" | grep -v "^$(address "$1"):"
}

# scan_from_hosts: what every port of the topology answers to every other host, "ADDRESS:PORT ANSWER" a
# line in BATS_FILE_TMPDIR/from-HOST. All hosts look at once, each waits for what is silent. In a shell
# of their own, as bats has children too, which are not to be waited for.
scan_from_hosts() {
  local host
  all_ports >/dev/null
  (
    for host in $(hosts all); do
      # shellcheck disable=SC2046
      on "$host" "$(port_scan $(targets_from "$host"))" >"$BATS_FILE_TMPDIR/from-$host" &
    done
    wait
  )
  for host in $(hosts all); do
    if [[ $(cut -d ' ' -f 1 "$BATS_FILE_TMPDIR/from-$host") != "$(targets_from "$host")" ]]; then
      echo "$host could not look: $(cat -- "$BATS_FILE_TMPDIR/from-$host")" >&2
      return 1
    fi
  done
}

# only_reached_from KIND GROUP...: as scan_from_hosts found, from the hosts of those groups each port
# of the kind answers, from all others none.
only_reached_from() {
  local kind=$1 host group expected looked=0
  shift
  for host in $(hosts all); do
    targets_from "$host" "$kind" | sort >"$BATS_TEST_TMPDIR/targets"
    looked=$((looked + $(wc -l <"$BATS_TEST_TMPDIR/targets")))
    expected=''
    for group; do
      if is_in "$group" "$host"; then
        expected=$(cat -- "$BATS_TEST_TMPDIR/targets")
      fi
    done
    echo "$kind from $host"
    assert_equal "$(awk '$2 == "open" { print $1 }' "$BATS_FILE_TMPDIR/from-$host" |
      grep -xFf "$BATS_TEST_TMPDIR/targets" | sort)" "$expected"
  done
  ((looked > 0)) || fail "there is no port to look at: $kind"
}
