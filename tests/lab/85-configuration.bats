#!/usr/bin/env bats
# A configuration that cannot work, in the middle of a sale: no host is lost by it for longer than it
# takes to try.

load support/lab

setup() {
  make_whole
  needs_several nodes 'nobody could sell while the only one is tried'
}
teardown() {
  stop_crowds
}

# What a process can read and a host cannot do: to the ticket nodes alone, the ledger has another port.
write_wrong_port() {
  # One that no tier has, and that the kernel takes for no connection of its own.
  printf 'all:\n  children:\n    nodes:\n      vars:\n        sluice_redis_port: 9999\n' >"$1"
}

# What runs, a line a process: a restart of any changes it.
processes() {
  local host
  for host in $(hosts nodes) $(hosts workers); do
    on "$host" 'systemctl show --property=Id,MainPID,InvocationID "ticket-node@*" order-worker.service |
      paste -sd " "; readlink /opt/sluice/current/*' | sed "s/^/$host: /"
  done
}

# began_anew BEFORE AFTER: the hosts of which they tell different things
began_anew() {
  comm -3 <(sort "$1") <(sort "$2") | tr -d '\t' | cut -d : -f 1 | sort -u
}

# Five minutes each, for as many playbooks: more than a change of anything else is to wait for.
takes_long() {
  [[ -n ${TEST_LONG:-} ]] || skip 'it takes minutes: TEST_LONG=1 ./sluice test lab'
}

begin_sale_and_crowd() {
  open_sale "$1" 100000
  CROWD_LIMIT_S=600 begin_buyers --rate "$(load_of 100)" --connections 20 --limit "$(patience 600)"
}

@test "a value that no program accepts is refused before any host is touched, all faults at once" {
  local host file
  local -a bad=(-e '{"ticket_node_settings": {"SLUICE_QUEUE_MAX": "banana", "SLUICE_BATCHMAX": 1}}'
    -e '{"order_worker_settings": {"SLUICE_TRIES_MAX": 0}}')
  begin_sale_and_crowd banana
  processes >"$BATS_TEST_TMPDIR/before"
  for file in site.yml playbooks/deploy.yml; do
    run ! gentle_playbook "$file" -e "release_label=$(deployed_label)" "${bad[@]}"
    for host in $(hosts nodes); do
      assert_line --regexp "^$host +: .* failed=1 "
    done
    assert_output --partial 'ticket node, process 1: SLUICE_QUEUE_MAX=banana: it must be'
    assert_output --partial 'ticket node, process 1: SLUICE_BATCHMAX is no variable of a ticket node'
    assert_output --partial 'order worker: SLUICE_TRIES_MAX=0: it must be'
    refute_output --regexp 'changed=[1-9]'
  done
  processes >"$BATS_TEST_TMPDIR/after"
  assert_equal "$(began_anew "$BATS_TEST_TMPDIR"/{before,after})" ''
  call_off_buyers
  no_request_failed
  books_balance "$(crowd_figure buyers .decided.sold)"
}

@test "a value that cannot work on the hosts: the first one goes back by itself, the others are not touched" {
  takes_long
  local first file began_ms label
  label=$(deployed_label)
  first=$(first_host nodes)
  write_wrong_port "$BATS_TEST_TMPDIR/wrong.yml"
  processes >"$BATS_TEST_TMPDIR/before"
  begin_sale_and_crowd wrong-port
  for file in site.yml playbooks/deploy.yml; do
    # Of site.yml what concerns them: it would end there.
    run ! gentle_playbook "$file" --tags ticket_node -e "release_label=$label" \
      -i "$SLUICE_TEST_INVENTORY" -i "$BATS_TEST_TMPDIR/wrong.yml"
    # It is well at this moment, not some time later.
    is_well "$first"
    assert_line --regexp "^$first +: .* failed=1 "
    assert_output --regexp '[.][0-9a-f]{12} does not work on this host: ticket-node@1.service was not ready'
    assert_output --regexp 'connect(ion)? ?.*(ECONNREFUSED|refused|timed out|ETIMEDOUT)'
    assert_output --regexp 'The host is back at .*[.][0-9a-f]{12}, which works'
    assert_output --partial "Hosts that come after $first were not touched"
    # No host knows another deployment than before; only the first one's processes are new.
    processes >"$BATS_TEST_TMPDIR/after"
    assert_equal "$(began_anew "$BATS_TEST_TMPDIR"/{before,after})" "$first"
    assert_equal "$(grep -F "$first: ../" "$BATS_TEST_TMPDIR/after")" \
      "$(grep -F "$first: ../" "$BATS_TEST_TMPDIR/before")"
  done
  # The same command, with the value mended.
  began_ms=$(now_ms)
  gentle_playbook site.yml --tags ticket_node -e "release_label=$label"
  figure 'a run after a value that could not work' "$((($(now_ms) - began_ms) / 1000))" s
  is_whole
  call_off_buyers
  figure 'a value that cannot work, by both playbooks: purchases, busy, undecided, lost' \
    "$(crowd_figure buyers '[.attempts, .outcomes.busy // 0, .outcomes.undecided // 0, .lost // 0]
      | map(tostring) | join(", ")')" ''
  everything_was_decided
  only_honest_answers
  books_balance "$(crowd_figure buyers .decided.sold)"
}

@test "nodes that were dead are brought up, also by a run after one that was killed in the middle" {
  takes_long
  (($(host_count nodes) > 2)) || skip 'with two of them dead, nobody would sell'
  local host dead
  local -a as_it_is new
  as_it_is=(--tags ticket_node -e "release_label=$(deployed_label)")
  new=(playbooks/deploy.yml "${as_it_is[@]}" -e ticket_node_buffer=102)
  dead=$(hosts nodes | tail -n 2)
  for host in $dead; do
    on "$host" 'sudo systemctl stop "ticket-node@*"'
  done
  # The first that is rolled is one of them. Its roll is killed when it has switched.
  host=$(head -n 1 <<<"$dead")
  kill_roll "$host" &
  run ! gentle_playbook "${new[@]}"
  wait "$!"
  assert_line --regexp "^$host +: .* failed=1 "
  run -0 on "$host" 'readlink /opt/sluice/fallback/ticket-node'
  # Another, which asks the same, finishes it: every host runs the new one, and none is being tried.
  gentle_playbook "${new[@]}"
  is_whole
  for host in $(hosts nodes); do
    run -0 on "$host" 'sudo grep -h BUFFER /opt/sluice/current/ticket-node/*.env;
      ls /opt/sluice/fallback; readlink /opt/sluice/previous/ticket-node'
    assert_line 'SLUICE_BUFFER=102'
    refute_line ticket-node
    assert_line --partial ../deployments/ticket-node/
    run -0 on "$host" 'systemctl show -P MainPID ticket-node@1.service |
      sudo xargs -I{} readlink /proc/{}/exe; readlink -f /opt/sluice/current/ticket-node/ticket-node'
    assert_equal "${lines[0]}" "${lines[1]}"
  done
  # As it was.
  gentle_playbook site.yml "${as_it_is[@]}"
}

# kill_roll HOST: kills the next roll there after it has switched
kill_roll() {
  ON_LIMIT_S=280 on "$1" 'for ((look = 0; look < 2500; look++)); do
    if [ -L /opt/sluice/fallback/ticket-node ]; then
      sudo pkill -KILL -f "^bash /usr/local/lib/sluice/roll" && exit; fi; sleep 0.1; done; exit 1' 3>&- 4>&-
}
