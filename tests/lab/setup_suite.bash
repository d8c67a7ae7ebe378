# shellcheck shell=bash
# Before the first file: what is where.

# shellcheck source=tests/lab/support/lab.bash
source "$(dirname -- "${BASH_SOURCE[0]}")/support/lab.bash"

setup_suite() {
  local name
  for name in SLUICE_TEST_INVENTORY SLUICE_TEST_SSH; do
    if [[ -z ${!name:-} ]]; then
      echo "$name is not set; ./sluice test lab sets it, tests/lab/README.md tells by what." >&2
      return 1
    fi
  done
  export RUN_STATE=${SLUICE_TEST_STATE:-$ROOT/.sluice/test/lab}
  mkdir -p -- "$RUN_STATE"
  export TOPOLOGY=$RUN_STATE/topology.tsv FIGURES=$RUN_STATE/figures.tsv
  # How long the lab took, where one was brought up for this run.
  cat -- "$RUN_STATE/before.tsv" >"$FIGURES" 2>/dev/null || : >"$FIGURES"
  read_topology
  # Sales of two runs on the same hosts have different names.
  RUN_ID=$(printf 't%x' "$(date +%s)")
  export RUN_ID
}
