# shellcheck shell=bash
# A pretended machine for the tests of the launcher: a copy of it, a PATH that leads to Debian's
# essential programs and to stand-ins, and nothing of the real machine's home.
#   $MACHINE/bin      what is on the PATH        $MACHINE/sluice   the checkout
#   $MACHINE/calls    what the stand-ins were called with

ESSENTIAL_PROGRAMS=(awk basename bash cat chmod cp cut dirname env flock grep head id kill ln ls
  mkdir mv paste readlink rm sed sha256sum sleep sort tail timeout touch tr true uname)

# make_bare_machine ROOT: ROOT is the repository.
make_bare_machine() {
  MACHINE=$BATS_TEST_TMPDIR/machine
  local program root=$1
  mkdir -p "$MACHINE/bin" "$MACHINE/home" "$MACHINE/sluice"/{dev,src/operator,bench} "$MACHINE/system/usr/sbin"
  for program in "${ESSENTIAL_PROGRAMS[@]}"; do
    ln -s "$(type -P "$program")" "$MACHINE/bin/$program"
  done
  cp -r "$root"/{sluice,setup,package.json,bun.lock,bunfig.toml} "$MACHINE/sluice/"
  cp -r "$root/dev/commands" "$MACHINE/sluice/dev/"
  cp -r "$root/src/operator/commands" "$MACHINE/sluice/src/operator/"
  cp "$root/bench/main.ts" "$MACHINE/sluice/bench/"
  : >"$MACHINE/calls"
}

# stand_in NAME [LINE...]: puts a program on the machine that notes its call and then runs LINEs.
stand_in() {
  local name=$1
  shift
  rm -f "$MACHINE/bin/$name"
  {
    printf '#!%s\n' "$(type -P bash)"
    printf 'echo "%s $*" >>"%s"\n' "$name" "$MACHINE/calls"
    printf '%s\n' "$@"
  } >"$MACHINE/bin/$name"
  chmod +x "$MACHINE/bin/$name"
}

# A machine of root's, on which npm and Bun install what they are asked for.
stand_in_registries() {
  stand_in id 'echo 0'
  # npm install --prefix DIR ... PACKAGE@VERSION
  # shellcheck disable=SC2016 # expanded when the stand-in runs
  stand_in npm \
    'spec=${*: -1} bin=$3/node_modules/${spec%@*}/bin' \
    'mkdir -p "$bin"' \
    'printf "%s\n" "#!'"$(type -P bash)"'" "BUN_VERSION=${spec##*@}" >"$bin/bun"' \
    'cat "'"$MACHINE"'/bun-body" >>"$bin/bun"' \
    'chmod +x "$bin/bun"'
  # shellcheck disable=SC2016
  printf '%s\n' \
    'echo "bun $*" >>"'"$MACHINE"'/calls"' \
    'case $1 in' \
    '  --version) echo "$BUN_VERSION" ;;' \
    '  install) mkdir -p node_modules ;;' \
    '  *) echo "handed over: ${*: -1}" ;;' \
    'esac' >"$MACHINE/bun-body"
}

# Runs a command on the machine. Its system directory is that of the pretended machine, too: the
# launcher looks into the real /usr/sbin, which is why the tests ask for commands without daemons.
on_machine() {
  run env -i HOME="$MACHINE/home" PATH="$MACHINE/bin" SLUICE_TEST_SYSTEM="$MACHINE/system" "$@"
}

assert_called() {
  run grep -F -- "$1" "$MACHINE/calls"
  assert_success
}

refute_called() {
  run grep -F -- "$1" "$MACHINE/calls"
  assert_failure
}
