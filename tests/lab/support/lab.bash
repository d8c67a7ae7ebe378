# shellcheck shell=bash
# What the tests of the full topology share. They know the hosts by the inventory alone, and reach
# them by these commands (see tests/lab/README.md):
#   SLUICE_TEST_INVENTORY  the inventory of the hosts, deployed already
#   SLUICE_TEST_SSH        `$SLUICE_TEST_SSH HOST COMMAND` runs a command line on a host
#   SLUICE_TEST_POWER      `$SLUICE_TEST_POWER off|on HOST..`; without it those tests are skipped
#   SLUICE_TEST_CONTROL    before a command that is to run on the control machine
#   SLUICE_TEST_CROWD      before a command that is to run in the crowd's network
#   SLUICE_TEST_PLAYBOOK   `$SLUICE_TEST_PLAYBOOK FILE [ARGS..]` runs one of the playbooks
#   SLUICE_TEST_TIME_FACTOR  stretches deadlines and limits on gaps (1), and nothing else
#   SLUICE_TEST_LOAD_FACTOR  makes crowds and what they buy smaller (1), and nothing else

if [[ -n ${BATS_TEST_FILENAME:-} ]]; then
  bats_require_minimum_version 1.5.0
  export BATS_LIB_PATH=${BATS_LIB_PATH:-/usr/lib/bats}
  bats_load_library bats-support
  bats_load_library bats-assert
fi

SUPPORT=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
ROOT=$(cd -- "$SUPPORT/../../.." && pwd)
TOOLS=$ROOT/tests/lab/tools
TIME_FACTOR=${SLUICE_TEST_TIME_FACTOR:-1}
LOAD_FACTOR=${SLUICE_TEST_LOAD_FACTOR:-1}
# Commands with arguments of their own.
read -r -a ssh_command <<<"${SLUICE_TEST_SSH:-}"
read -r -a power_command <<<"${SLUICE_TEST_POWER:-}"
read -r -a control_command <<<"${SLUICE_TEST_CONTROL:-}"
read -r -a crowd_command <<<"${SLUICE_TEST_CROWD:-}"
read -r -a playbook_command <<<"${SLUICE_TEST_PLAYBOOK:-}"

# shellcheck source=tests/lab/support/topology.bash
source "$SUPPORT/topology.bash"
if [[ -r ${TOPOLOGY:-} ]]; then
  load_topology
fi
# shellcheck source=tests/lab/support/waiting.bash
source "$SUPPORT/waiting.bash"
# shellcheck source=tests/lab/support/figures.bash
source "$SUPPORT/figures.bash"
# shellcheck source=tests/lab/support/sales.bash
source "$SUPPORT/sales.bash"
# shellcheck source=tests/lab/support/crowds.bash
source "$SUPPORT/crowds.bash"
# shellcheck source=tests/lab/support/ports.bash
source "$SUPPORT/ports.bash"
# shellcheck source=tests/lab/support/health.bash
source "$SUPPORT/health.bash"

# on HOST COMMAND...: runs a command line on a host. What ssh leaves behind to use again must not
# hold bats' own descriptors.
on() {
  local host=$1
  shift
  timeout --kill-after=5 "$(patience "${ON_LIMIT_S:-120}")" "${ssh_command[@]}" "$host" "$*" 3>&- 4>&- </dev/null
}

# control COMMAND..., crowd COMMAND...: where deployments come from, and where buyers are
control() {
  "${control_command[@]}" "$@" 3>&- 4>&-
}
crowd() {
  "${crowd_command[@]}" "$@" 3>&- 4>&-
}

# Where both come from one machine, as may be where nothing is apart.
needs_crowd_apart() {
  if [[ "${crowd_command[*]}" == "${control_command[*]}" ]]; then
    skip 'the crowd is the control machine, to which other ports answer'
  fi
}

# power off|on HOST...: off is a power failure, not a shutdown; several hosts fail at once
power() {
  "${power_command[@]}" "$@" 3>&- 4>&- </dev/null
}
has_power() {
  ((${#power_command[@]} > 0))
}
needs_power() {
  if ! has_power; then
    skip 'SLUICE_TEST_POWER is not set, so no host can be cut off its power'
  fi
}

# playbook FILE [ARGS..]: FILE as it is called below ansible/
playbook() {
  if ((${#playbook_command[@]} > 0)); then
    "${playbook_command[@]}" "$@" 3>&- 4>&- </dev/null
    return
  fi
  (cd -- "$ROOT/ansible" && control ansible-playbook -i "$SLUICE_TEST_INVENTORY" "$@" </dev/null)
}

# The same with few hosts at a time, for tests that count failures: where all hosts share two cores, a
# dozen Pythons that start at once have kept Redis from its processor for longer than a node waits.
gentle_playbook() {
  ANSIBLE_FORKS=3 playbook "$@"
}
