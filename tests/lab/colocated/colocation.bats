#!/usr/bin/env bats
# Hosts that have nothing yet, and hosts that are several things at once: a lab of its own, three hosts
# for all tiers. `run` names it and takes it down.

bats_require_minimum_version 1.5.0
export BATS_LIB_PATH=${BATS_LIB_PATH:-/usr/lib/bats}
bats_load_library bats-support
bats_load_library bats-assert

ROOT=$(cd -- "$BATS_TEST_DIRNAME/../../.." && pwd)
TIME_FACTOR=1
# shellcheck source=tests/lab/support/waiting.bash
source "$ROOT/tests/lab/support/waiting.bash"

setup_file() {
  lab up --inventory "$BATS_TEST_DIRNAME/hosts.yml" >&2
}

lab() {
  "$ROOT/sluice" lab "$@" 3>&- 4>&- </dev/null
}

@test "--check passes on hosts that have nothing yet" {
  run -0 lab playbook site.yml --check
  assert_output --regexp 'app1 +: ok=[1-9]'
  # And it was a check: nothing of ours is there.
  run -0 lab ssh app1 'ls /opt/sluice /etc/sluice 2>&1 || true'
  refute_output --partial releases
}

@test "three hosts that share all tiers sell through the VIP, each node process of them" {
  run -0 lab deploy
  local sale=colocated input holder
  lab ssh app1 "sudo sluice sale create $sale --total 100 && sudo sluice sale open $sale"
  wait_until 30 lab exec --crowd -- curl -sf -o /dev/null --max-time 1 http://10.77.0.100/healthz
  # Buyers go on for as long as their standard input is open, or until they are done.
  exec {input}< <(exec sleep 60 2>/dev/null 3>&- 4>&-)
  holder=$!
  crowd "$sale" --requests 120 --connections 4 --fresh <&"$input" >"$BATS_TEST_TMPDIR/out"
  kill "$holder"
  run -0 jq -c 'select(.keys) | [.decided.sold, .decided.soldOut, .failed, (.perNode | length)]' \
    "$BATS_TEST_TMPDIR/out"
  assert_output '[100,20,0,2]'
  run -0 lab ssh app1 "sudo sluice audit $sale --wait 30"
  assert_output --partial '100 orders in postgres://'
  assert_output --partial 'the books balance'
}

crowd() {
  "$ROOT/sluice" lab exec --crowd -- \
    bun --no-env-file "$ROOT/tests/lab/tools/buyers.ts" 10.77.0.100 80 "$@" 3>&- 4>&-
}
