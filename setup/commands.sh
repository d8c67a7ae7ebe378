# shellcheck shell=bash
# The list of commands. It is read from src/cli/commands, one file a command, so that help and a
# mistyped command are answered before anything is installed.

command_names() {
  local file
  for file in "$SLUICE_ROOT"/src/cli/commands/*.ts; do
    basename -- "$file" .ts
  done
}

is_command() {
  [[ $1 =~ ^[a-z-]+$ && -f $SLUICE_ROOT/src/cli/commands/$1.ts ]]
}

refuse_command() {
  local names
  names=$(command_names | paste -s -d ' ')
  say "sluice: there is no command '$1'. The commands are: $names"
  exit 2
}

# The `description: "..."` in the `meta` of a command; the formatter may have put the text on the
# line below. Options, and commands below this one, have descriptions too.
command_description() {
  awk '
    /^export default/ { command = 1 }
    command && /meta:/ { meta = 1 }
    meta && /description:/ { found = 1; sub(/.*description:/, "") }
    found && match($0, /".*"/) { print substr($0, RSTART + 1, RLENGTH - 2); exit }
  ' "$SLUICE_ROOT/src/cli/commands/$1.ts"
}

print_commands() {
  local name
  printf 'Sluice sells a fixed stock of tickets to a crowd that is far larger than the stock.\n\n'
  printf 'Usage: ./sluice COMMAND [OPTIONS]\n\n'
  for name in $(command_names); do
    printf '  %-12s %s\n' "$name" "$(command_description "$name")"
  done
  printf '\n./sluice COMMAND --help tells its options. What a command needs and this machine\n'
  printf 'lacks is installed when the command is first called; what, is printed before.\n'
}
