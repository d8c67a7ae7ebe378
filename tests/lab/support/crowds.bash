# shellcheck shell=bash
# The crowd: a prober and buyers in the crowd's network, in the background, while something happens.
# Each is ended by closing its standard input, which only a process that sleeps holds open: were it
# a descriptor of the test, every command that the test starts would hold it as well.

# At most so long, whatever the test forgets.
CROWD_LIMIT_S=280

# begin_crowd NAME TOOL ARGUMENTS...: waits until the tool says that it is at work
begin_crowd() {
  local name=$1 input=$BATS_TEST_TMPDIR/$1.input output=$BATS_TEST_TMPDIR/$1.out
  shift
  mkfifo "$input"
  sleep "$(patience "$CROWD_LIMIT_S")" >"$input" 3>&- 4>&- &
  printf '%s\n' "$!" >"$BATS_TEST_TMPDIR/$name.holder"
  crowd bun --config="$ROOT/bunfig.toml" --no-env-file "$TOOLS/$1.ts" "${@:2}" \
    <"$input" >"$output" 2>"$output.errors" &
  printf '%s\n' "$!" >"$BATS_TEST_TMPDIR/$name.pid"
  wait_until 30 has_begun "$name" || {
    cat -- "$output.errors" >&2
    return 1
  }
}
has_begun() {
  [[ -s $BATS_TEST_TMPDIR/$1.out ]]
}

# end_crowd NAME: asks it to end, and waits
end_crowd() {
  kill "$(cat -- "$BATS_TEST_TMPDIR/$1.holder")" 2>/dev/null || true
  join_crowd "$1"
}

# join_crowd NAME: waits until it ends by itself. Its result is in NAME.json then.
join_crowd() {
  local name=$1
  if ! wait "$(cat -- "$BATS_TEST_TMPDIR/$name.pid")"; then
    echo "$name failed: $(cat -- "$BATS_TEST_TMPDIR/$name.out.errors")" >&2
    return 1
  fi
  kill "$(cat -- "$BATS_TEST_TMPDIR/$name.holder")" 2>/dev/null || true
  tail -n 1 -- "$BATS_TEST_TMPDIR/$name.out" >"$BATS_TEST_TMPDIR/$name.json"
  echo "$name: $(jq -c 'del(.orders) | .incidents |= (. // [] | .[:5])' "$BATS_TEST_TMPDIR/$name.json")"
}

# crowd_figure NAME FILTER: of the result
crowd_figure() {
  jq -r "$2" "$BATS_TEST_TMPDIR/$1.json"
}

# begin_probe: new connections to the VIP, one every 20 ms where the load is full
begin_probe() {
  begin_crowd probe prober "$(vip)" "$(vip_port)" --every $((1000 / $(load_of 50))) \
    --timeout "$(limit_ms 1000)" "$@"
}
end_probe() {
  end_crowd probe
}

# begin_buyers [OPTIONS]: a crowd that buys of SALE, see tools/buyers.ts. It is under way, at a
# moderate rate, when this returns: what is measured is the fault, not how fast this machine is.
begin_buyers() {
  begin_crowd buyers buyers "$(vip)" "$(vip_port)" "$SALE" --warm "$(load_of 100)" \
    --timeout "$(limit_ms 5000)" --settle "$(patience 60)" --limit "$(patience 300)" "$@"
}
# buyers_are_done: waits for the last one
buyers_are_done() {
  join_crowd buyers
}
call_off_buyers() {
  end_crowd buyers
}

# For teardown: no test leaves a crowd behind.
stop_crowds() {
  local holder
  for holder in "$BATS_TEST_TMPDIR"/*.holder; do
    if [[ -e $holder ]]; then
      kill "$(cat -- "$holder")" 2>/dev/null || true
    fi
  done
}

vip_answers() {
  crowd curl -sf -o /dev/null --max-time "$(patience 1)" "$(vip_url)/healthz"
}

# no_request_failed: every request was answered, by sold or sold out
no_request_failed() {
  assert_equal "$(crowd_figure buyers '[.failed, .neverDecided] | join(" ")')" '0 0'
  assert_equal "$(crowd_figure buyers '.incidents | length')" 0
}

# everything_was_decided: in the end each buyer knows, and no order was told to two
everything_was_decided() {
  assert_equal "$(crowd_figure buyers '[.neverDecided, .duplicates] | join(" ")')" '0 0'
}

# only_honest_answers: whatever went on, nobody was told anything but these
only_honest_answers() {
  local dishonest
  dishonest=$(crowd_figure buyers '.outcomes | keys - ["sold", "soldOut", "undecided", "busy", "lost",
    "unsent"] | join(" ")')
  assert_equal "$dishonest" ''
}
