# shellcheck shell=bash
# Loads the kernel values of ours that are not what their files say, and prints each file that it
# loaded. A handler does so when a file changes, but a run that fails in between loses its handlers,
# and the next one finds the file as it should be.
# Values are read without starting a program for each: hosts of the lab are slow at that.
set -euo pipefail
shopt -s nullglob

# value_of KEY: sets `value`; fails where the kernel does not know the key
value_of() {
  local path=$1 words
  # As sysctl has it: with a slash in it, dots are part of a name.
  [[ $path == */* ]] || path=${path//.//}
  read -r -d '' -a words 2>/dev/null <"/proc/sys/$path" || [[ -v words ]] || return 1
  value=${words[*]}
}

differs() {
  local line key wanted
  while read -r line; do
    [[ $line =~ ^-?([a-z][^=[:space:]]*)[[:space:]]*=[[:space:]]*(.*)$ ]] || continue
    key=${BASH_REMATCH[1]} wanted=${BASH_REMATCH[2]}
    if ! value_of "$key"; then
      # A leading dash: where the kernel was built without it, that is all right.
      [[ $line == -* ]] || return 0
    elif [[ $value != "$wanted" ]]; then
      return 0
    fi
  done <"$1"
  return 1
}

for file in /etc/sysctl.d/*sluice*.conf; do
  if differs "$file"; then
    # Some values exist only with their modules.
    for modules in /etc/modules-load.d/sluice*.conf; do
      grep -v '^#' "$modules" | xargs --no-run-if-empty modprobe --all
    done
    sysctl --quiet --load="$file"
    printf '%s\n' "$file"
  fi
done
