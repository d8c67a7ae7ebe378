# shellcheck shell=bash
# shellcheck disable=SC2154 # MARKER is the task's
# Writes the marker of a drained host, in one step and with its last owner and mode from the first:
# keepalived has no right to read what is not everybody's, and it reads the marker once, when the name
# appears. It goes by the number at the beginning, all others by whether the file is there.
set -euo pipefail
umask 022
text='1, drained by an operator; playbooks/undrain.yml removes this file'
if [[ ! -e $MARKER || $(<"$MARKER") != "$text" ]]; then
  new=${MARKER%/*}/.${MARKER##*/}.new
  printf '%s\n' "$text" >"$new"
  mv --no-target-directory -- "$new" "$MARKER"
  printf 'marked\n'
fi
