# shellcheck shell=bash
# What the launcher prints, and how it runs a step: output to a log, one line for the reader. All of
# it goes to standard error, so that the output of the command itself stays clean.

# A line now and then is enough where nobody sees it change.
readonly PROGRESS_PLAIN_INTERVAL_S=30
readonly PROGRESS_WIDTH_COLUMNS=78

step_count=0
step_total=0
ticker_pid=

report() {
  printf '%s\n' "$*" >&2
}

# Ends the launcher. The first argument is a sentence; further ones are joined to it.
fail() {
  report "sluice: $*"
  exit 3
}

# run_step TITLE LOG DETAIL COMMAND...: runs the command with its output in LOG. DETAIL is a
# function that reads LOG's path and prints how far it is, in a few words.
run_step() {
  local title=$1 log=$2 detail=$3 status=0 began_s=$SECONDS
  shift 3
  step_count=$((step_count + 1))
  title="[$step_count/$step_total] $title"
  report_progress "$title" ""
  : >"$log"
  # The lock (9) is the launcher's alone: a straggler must not hold it.
  tick "$title" "$log" "$detail" 9>&- &
  ticker_pid=$!
  # In a shell of its own: a trap would otherwise run, and speak, into the log.
  ("$@") >"$log" 2>&1 </dev/null 9>&- || status=$?
  stop_ticker
  local took_s=$((SECONDS - began_s))
  if ((status == 0)); then
    finish_progress "$title: done in $took_s s"
  else
    finish_progress "$title: failed after $took_s s"
  fi
  return "$status"
}

tick() {
  local title=$1 log=$2 detail=$3 elapsed_s=0
  # It ends with the launcher, also if that was killed.
  while kill -0 "$$" 2>/dev/null; do
    sleep 1 >/dev/null 2>&1
    elapsed_s=$((elapsed_s + 1))
    if [[ -t 2 ]] || ((elapsed_s % PROGRESS_PLAIN_INTERVAL_S == 0)); then
      report_progress "$title" "$elapsed_s s $("$detail" "$log")"
    fi
  done
}

stop_ticker() {
  if [[ -n $ticker_pid ]]; then
    kill "$ticker_pid" 2>/dev/null || true
    wait "$ticker_pid" 2>/dev/null || true
    ticker_pid=
  fi
}

report_progress() {
  local line="$1 ...${2:+ $2}"
  if [[ -t 2 ]]; then
    printf '\r\033[K%s' "${line:0:PROGRESS_WIDTH_COLUMNS}" >&2
  else
    report "$line"
  fi
}

finish_progress() {
  if [[ -t 2 ]]; then
    printf '\r\033[K%s\n' "$1" >&2
  else
    report "$1"
  fi
}

# The last line of a log, without the control characters that programs draw with.
last_line() {
  tail -c 400 -- "$1" 2>/dev/null | tr '\r' '\n' | tr -cd '[:print:]\n' |
    grep -v '^ *$' | tail -n 1 | cut -c 1-48 || true
}

# fail_step WHAT LOG ADVICE...: why a step failed, as far as its log shows.
fail_step() {
  local what=$1 log=$2
  shift 2
  report "sluice: $what failed. The last lines of $log:"
  # Progress bars are no news.
  tr '\r' '\n' <"$log" | grep -v -e '^ *$' -e 'Building \[' | tail -n 12 | sed 's/^/    /' >&2 || true
  fail "$* Then start again; what is done already is not done twice."
}
