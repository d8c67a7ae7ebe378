# shellcheck shell=bash
# Sales, by the operators' CLI on the worker's host, and their books.

# operator ARGUMENTS...: the CLI, as the operator on duty calls it
operator() {
  on "$(worker_host)" "sudo sluice $*"
}

# open_sale NAME TOTAL: creates and opens a sale, and sets SALE to its id. Nothing has asked for it
# before, so every node looks it up at the first purchase and finds it open.
open_sale() {
  SALE=$RUN_ID-$1
  on "$(worker_host)" \
    "sudo sluice sale create $SALE --total $2 --hold 86400 && sudo sluice sale open $SALE" >/dev/null
}

# sale_figure NAME: of SALE, as the ledger has it
sale_figure() {
  operator "sale show $SALE --json" | jq -er ".$1"
}

# books_balance SOLD: ledger, stream and database agree, and hold as many orders as were sold
books_balance() {
  local audit
  # Exit code 1 is a verdict; the JSON tells the differences.
  audit=$(operator "audit $SALE --wait $(patience 60) --json -" 2>"$BATS_TEST_TMPDIR/audit.txt") || true
  cat -- "$BATS_TEST_TMPDIR/audit.txt"
  assert_equal "$(jq -r '.verdict' <<<"$audit")" balanced
  assert_equal "$(jq -r '[.orders, .database.orders] | join(" ")' <<<"$audit")" "$1 $1"
}

# told_orders_exist FILE: each order that a buyer was told of is in the database, once
told_orders_exist() {
  jq -r '.orders[]' "$1" | sort >"$BATS_TEST_TMPDIR/told"
  operator "orders $SALE --format json" | jq -r '.[].order' | sort >"$BATS_TEST_TMPDIR/stored"
  assert_equal "$(uniq -d "$BATS_TEST_TMPDIR/stored" | wc -l)" 0
  assert_equal "$(comm -23 "$BATS_TEST_TMPDIR/told" "$BATS_TEST_TMPDIR/stored" | wc -l)" 0
}
