#!/usr/bin/env bats
# Hosts that have nothing yet, and hosts that are several things at once: a lab of its own beside the
# one that the other tests use, three hosts for all tiers.

load support/lab

setup_file() {
  if [[ -n ${SLUICE_TEST_SECOND_LAB:-} ]]; then
    # What a run that was cut off left behind.
    second_lab down
    second_lab up --inventory "$ROOT/tests/lab/colocated/hosts.yml" >&2
  fi
}
# Each by itself: what is skipped for the whole file is a failure of what comes after it.
setup() {
  if [[ -z ${SLUICE_TEST_SECOND_LAB:-} ]]; then
    skip 'SLUICE_TEST_SECOND_LAB is not set: hosts that have nothing yet are only to be had in the lab'
  fi
}
teardown_file() {
  if [[ -n ${SLUICE_TEST_SECOND_LAB:-} ]]; then
    second_lab down >&2
  fi
}

second_lab() {
  SLUICE_LAB=$SLUICE_TEST_SECOND_LAB "$ROOT/sluice" lab "$@" 3>&- 4>&- </dev/null
}

@test "--check passes on hosts that have nothing yet" {
  run -0 second_lab playbook site.yml --check
  assert_output --regexp 'app1 +: ok=[1-9]'
  # And it was a check: nothing of ours is there.
  run -0 second_lab ssh app1 'ls /opt/sluice /etc/sluice 2>&1 || true'
  refute_output --partial releases
}

@test "three hosts that share all tiers sell through the VIP, each node process of them" {
  run -0 second_lab deploy
  local sale=$RUN_ID-colocated input holder
  second_lab ssh app1 "sudo sluice sale create $sale --total 100 && sudo sluice sale open $sale"
  wait_until 30 second_lab exec --crowd -- curl -sf -o /dev/null --max-time 1 \
    http://10.77.0.100/healthz
  # Buyers go on for as long as their standard input is open, or until they are done.
  exec {input}< <(exec sleep 60 2>/dev/null 3>&- 4>&-)
  holder=$!
  second_lab_crowd "$sale" --requests 120 --connections 4 --fresh <&"$input" >"$BATS_TEST_TMPDIR/out"
  kill "$holder"
  run -0 jq -c 'select(.keys) | [.decided.sold, .decided.soldOut, .failed, (.perNode | length)]' \
    "$BATS_TEST_TMPDIR/out"
  assert_output '[100,20,0,2]'
  run -0 second_lab ssh app1 "sudo sluice audit $sale --wait 30"
  assert_output --partial '100 orders in postgres://'
  assert_output --partial 'the books balance'
}

second_lab_crowd() {
  SLUICE_LAB=$SLUICE_TEST_SECOND_LAB "$ROOT/sluice" lab exec --crowd -- \
    bun --no-env-file "$TOOLS/buyers.ts" 10.77.0.100 80 "$@" 3>&- 4>&-
}
