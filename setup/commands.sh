# shellcheck shell=bash
# The list of commands, in groups. What each does is read from its own file, so that help and a
# mistyped command are answered before anything is installed.

readonly COMMAND_GROUPS=(
  'sell: sale'
  'operate: audit orders dead-letters playbook'
  'try: demo up status down load'
  'develop: test bench build lab vagrant box'
)

command_names() {
  local group
  for group in "${COMMAND_GROUPS[@]}"; do
    printf '%s\n' "${group#*: }" | tr ' ' '\n'
  done
}

# The file that defines a command; nothing, if there is none.
command_file() {
  local file
  for file in dev/commands/"$1".ts src/operator/commands/"$1".ts "$1"/main.ts; do
    if [[ -f $SLUICE_ROOT/$file ]]; then
      printf '%s\n' "$SLUICE_ROOT/$file"
      return
    fi
  done
}

is_command() {
  local name
  for name in $(command_names); do
    [[ $name != "$1" ]] || return 0
  done
  return 1
}

refuse_command() {
  local names
  names=$(command_names | paste -s -d ' ')
  report "sluice: there is no command '$1'. The commands are: $names"
  exit 2
}

# The entry that a command is run by: benchmarks have one of their own.
command_entry() {
  if [[ $1 == bench ]]; then
    printf 'bench/main.ts\n'
  else
    printf 'dev/main.ts\n'
  fi
}

# The `description: "..."` in the `meta` of a command, which follows its docstring; the formatter may
# have put the text on the line below. Options, and commands below this one, have descriptions too.
command_description() {
  awk '
    /^export default|^export function [a-zA-Z]+Command\(|^const bench = defineCommand/ { command = 1 }
    command && /meta:/ { meta = 1 }
    meta && /description:/ { found = 1; sub(/.*description:/, "") }
    found && match($0, /".*"/) { print substr($0, RSTART + 1, RLENGTH - 2); exit }
  ' "$(command_file "$1")"
}

print_commands() {
  local group name
  printf 'Sluice sells a fixed stock of tickets to a crowd that is far larger than the stock.\n\n'
  printf 'Usage: ./sluice COMMAND [OPTIONS]\n'
  for group in "${COMMAND_GROUPS[@]}"; do
    printf '\n%s\n' "${group%%:*}"
    for name in ${group#*: }; do
      printf '  %-12s %s\n' "$name" "$(command_description "$name")"
    done
  done
  printf '\n./sluice COMMAND --help lists its options. What a command needs and this machine\n'
  printf 'lacks is installed when the command is first called; what, is printed before.\n'
}
