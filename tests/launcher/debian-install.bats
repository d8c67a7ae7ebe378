#!/usr/bin/env bats
# Installing Debian's packages: what an administrator would hold against us is a service that was
# started, or one that no longer starts because a file was left behind.

bats_load_library bats-support
bats_load_library bats-assert

setup() {
  load support/bare-machine
  make_bare_machine "$BATS_TEST_DIRNAME/../.."
  POLICY=$MACHINE/system/usr/sbin/policy-rc.d
  stand_in dpkg
  stand_in systemctl
  # Nothing is installed before, everything after.
  stand_in dpkg-query "[[ -e $MACHINE/installed ]] && echo installed"
  # While it installs, it asks the policy as Debian's scripts do.
  stand_in apt-get "[[ \$* == *' install '* ]] || exit 0" \
    "for service in redis-server nginx.service cron; do" \
    "  $POLICY --quiet \$service start; echo \"policy \$service: \$?\"; done" \
    "touch $MACHINE/installed"
}

install_packages() {
  on_machine "$MACHINE/sluice/setup/debian-install" "$@"
}

@test "services of the packages are neither started nor enabled, those of others may start" {
  install_packages redis-server nginx jq
  assert_success
  assert_line 'policy redis-server: 101'
  assert_line 'policy nginx.service: 101'
  assert_line 'policy cron: 0'
  assert [ ! -e "$POLICY" ]
  assert_called 'systemctl disable redis-server'
  assert_called 'systemctl disable nginx'
}

@test "PostgreSQL is installed without a database cluster of the system's" {
  local policy=$MACHINE/system/etc/postgresql-common/createcluster.d/sluice.conf
  stand_in apt-get "[[ \$* != *' install '* ]] || grep create_main_cluster $policy"
  install_packages postgresql
  assert_success
  assert_line 'create_main_cluster = false'
  assert [ ! -e "$policy" ]
}

@test "a service that was there before is left as it is" {
  touch "$MACHINE/installed"
  install_packages redis-server
  assert_success
  # 127: there was no policy to ask.
  assert_line 'policy redis-server: 127'
  refute_called systemctl
}

@test "the policy is gone after an installation that failed" {
  stand_in apt-get "[[ \$* == *' install '* ]] || exit 0" "test -e $POLICY || exit 7" 'exit 100'
  install_packages redis-server
  assert_failure 100
  assert [ ! -e "$POLICY" ]
}

@test "the policy is gone after an installation that was ended by a signal" {
  stand_in apt-get "[[ \$* == *' install '* ]] || exit 0" "kill -TERM \$(cat $MACHINE/pid)"
  on_machine bash -c "echo \$\$ >$MACHINE/pid; exec $MACHINE/sluice/setup/debian-install redis-server"
  assert_failure 143
  assert [ ! -e "$POLICY" ]
}

@test "a policy that a killed installation left is removed by the next" {
  stand_in apt-get "[[ \$* == *' install '* ]] || exit 0" "kill -KILL \$(cat $MACHINE/pid)"
  on_machine bash -c "echo \$\$ >$MACHINE/pid; exec $MACHINE/sluice/setup/debian-install redis-server"
  assert_failure 137
  assert [ -e "$POLICY" ]
  stand_in apt-get
  install_packages redis-server
  assert_success
  assert [ ! -e "$POLICY" ]
}

@test "an administrator's own policy is left alone" {
  printf '#!%s\nexit 42\n' "$(type -P bash)" >"$POLICY"
  chmod +x "$POLICY"
  install_packages redis-server
  assert_success
  assert_line 'policy redis-server: 42'
  run tail -n 1 "$POLICY"
  assert_output 'exit 42'
}

@test "no package is ever removed and no question asked" {
  install_packages jq
  assert_success
  assert_called '--yes --quiet --no-remove'
}

@test "an apt-get update that fails does not end it" {
  stand_in apt-get "[[ \$* != *' update' ]] || { echo 'E: no Release file'; exit 100; }"
  install_packages jq
  assert_success
  assert_line --partial 'going on with what is there'
  assert_called 'install jq'
}

@test "a package of the backports: apt gets them for this once, in copies of its sources" {
  mkdir -p "$MACHINE/sluice/lab"
  cp "$BATS_TEST_DIRNAME/../../lab/debian-sources.sh" "$MACHINE/sluice/lab/"
  local program
  for program in find mktemp; do
    ln -s "$(type -P "$program")" "$MACHINE/bin/$program"
  done
  stand_in apt-get "[[ \$* != indextargets* ]] || echo 'http://mirror.example/debian/ main'" \
    "parts=\$(tr ' ' '\n' <<<\"\$*\" | sed -n 's/^Dir::Etc::SourceParts=//p')" \
    "[[ \$* != *' install '* ]] || cat \"\$parts/backports.list\""
  install_packages --backports qemu-utils
  assert_success
  assert_line --regexp '^deb http://mirror.example/debian [a-z]+-backports main$'
  run grep -F ' install qemu-utils' "$MACHINE/calls"
  assert_output --regexp '--target-release [a-z]+-backports'
  local parts
  parts=$(sed -n 's/.* install .*//; s/.*SourceParts=\([^ ]*\).*/\1/p' "$MACHINE/calls" | head -n 1)
  assert [ -n "$parts" ]
  assert [ ! -e "$parts" ]
}
