#!/usr/bin/env bats
# The launcher: what an operator sees before a command of Sluice has even begun.

bats_load_library bats-support
bats_load_library bats-assert

setup() {
  load support/bare-machine
  make_bare_machine "$BATS_TEST_DIRNAME/../.."
}

@test "without a command it lists the commands and installs nothing" {
  on_machine "$MACHINE/sluice/sluice"
  assert_success
  assert_line --regexp '^  demo '
  assert_line --regexp '^  audit '
  refute_output --partial 'To be installed'
  assert [ ! -e "$MACHINE/home/.cache" ]
}

@test "a command that there is not is refused with the names of those that there are" {
  on_machine "$MACHINE/sluice/sluice" dmeo
  assert_failure 2
  assert_output --partial "no command 'dmeo'"
  assert_output --partial 'sale audit orders dead-letters playbook demo up status down load test bench build lab vagrant box'
}

@test "a path is not taken for a command" {
  on_machine "$MACHINE/sluice/sluice" ../test/parts
  assert_failure 2
}

@test "the first start says what it installs, the second installs nothing" {
  stand_in_registries
  on_machine "$MACHINE/sluice/sluice" status
  assert_success
  assert_line --partial 'To be installed first:'
  assert_line --regexp '^\[1/2\] Bun .* done'
  assert_line --regexp '^\[2/2\] node packages.* done'
  assert_line 'handed over: status'

  : >"$MACHINE/calls"
  on_machine "$MACHINE/sluice/sluice" status
  assert_success
  assert_output 'handed over: status'
  refute_called npm
  refute_called 'bun install'
}

@test "node packages are installed again when the lock file has changed" {
  stand_in_registries
  on_machine "$MACHINE/sluice/sluice" status
  echo '# changed' >>"$MACHINE/sluice/bun.lock"
  : >"$MACHINE/calls"
  on_machine "$MACHINE/sluice/sluice" status
  assert_success
  refute_called npm
  assert_called 'bun install --frozen-lockfile'
}

@test "a Bun of another version than package.json names is not kept" {
  stand_in_registries
  echo 'BUN_VERSION=0.0.1' | cat - "$MACHINE/bun-body" >"$MACHINE/bun-body.wrong"
  mv "$MACHINE/bun-body.wrong" "$MACHINE/bun-body"
  on_machine "$MACHINE/sluice/sluice" status
  assert_failure 3
  assert_output --partial 'The binary says that it is Bun 0.0.1.'
  run find "$MACHINE/home/.cache/sluice/bun" -path '*/bin/bun' -not -path '*/.incoming/*'
  assert_output ''
}

@test "an installation that was interrupted is made good by the next start" {
  stand_in_registries
  # npm is killed when it has put half a program there.
  mv "$MACHINE/bin/npm" "$MACHINE/bin/npm.whole"
  # shellcheck disable=SC2016
  stand_in npm 'mkdir -p "$3/node_modules/@oven/bun-linux-x64/bin"' \
    'echo half >"$3/node_modules/@oven/bun-linux-x64/bin/bun"' 'kill -KILL $$'
  on_machine "$MACHINE/sluice/sluice" status
  assert_failure 3
  mv "$MACHINE/bin/npm.whole" "$MACHINE/bin/npm"
  on_machine "$MACHINE/sluice/sluice" status
  assert_success
  assert_line 'handed over: status'
}

@test "it can be called through a symbolic link, from another directory" {
  stand_in_registries
  ln -s "$MACHINE/sluice/sluice" "$MACHINE/bin/tickets"
  cd "$MACHINE/home"
  on_machine tickets status
  assert_success
  assert_line 'handed over: status'
}

@test "a failed download names the step, the log, its last words and what to do" {
  stand_in_registries
  stand_in npm 'echo "npm error network is unreachable" >&2' 'exit 1'
  on_machine "$MACHINE/sluice/sluice" status
  assert_failure 3
  assert_line --regexp '^\[1/2\] Bun .* failed after'
  assert_output --partial "$MACHINE/home/.cache/sluice/log/bun.log"
  assert_line --partial 'npm error network is unreachable'
  assert_output --partial 'start again'
}

@test "without root's rights and sudo it names the packages and the command for root" {
  stand_in id 'echo 1000'
  stand_in apt-get
  on_machine "$MACHINE/sluice/sluice" status
  assert_failure 3
  assert_output --partial 'there is no sudo here'
  assert_output --partial 'apt-get install --no-install-recommends npm'
  refute_called apt-get
}

@test "a sudo that would ask where nobody can answer is refused, not waited for" {
  stand_in id 'echo 1000'
  stand_in apt-get
  stand_in sudo 'exit 1'
  on_machine "$MACHINE/sluice/sluice" status </dev/null
  assert_failure 3
  assert_output --partial 'sudo does not grant them'
  refute_called apt-get
}

@test "sudo is used where there is one" {
  stand_in_registries
  mv "$MACHINE/bin/npm" "$MACHINE/bin/npm.of-debian"
  stand_in id 'echo 1000'
  # shellcheck disable=SC2016
  stand_in sudo 'while [[ $1 == -* ]]; do shift; done' 'exec "$@"'
  stand_in dpkg
  stand_in dpkg-query 'exit 1'
  stand_in apt-get "[[ \$* != *' install '* ]] || mv $MACHINE/bin/npm.of-debian $MACHINE/bin/npm"
  on_machine "$MACHINE/sluice/sluice" status
  assert_success
  assert_line 'handed over: status'
  assert_called 'debian-install npm'
}

@test "a package that would be removed is the administrator's to decide on" {
  stand_in id 'echo 0'
  stand_in dpkg
  stand_in dpkg-query 'exit 1'
  stand_in apt-get "[[ \$* != *' install '* ]] ||" \
    "{ echo 'E: Packages need to be removed but remove is disabled.'; exit 100; }"
  on_machine "$MACHINE/sluice/sluice" status
  assert_failure 3
  assert_line --regexp '^\[1/3\] Debian packages: failed'
  assert_output --partial 'apt-get install --simulate npm'
}

@test "on a system without apt-get it names what to install by hand" {
  stand_in id 'echo 0'
  on_machine "$MACHINE/sluice/sluice" status
  assert_failure 3
  assert_output --partial 'this command needs npm'
}

@test "a demo takes no load generator that is to be compiled, unless it is asked for" {
  stand_in id 'echo 0'
  on_machine "$MACHINE/sluice/sluice" demo --requests 100
  assert_failure 3
  assert_output --partial nghttp2-client
  refute_output --partial cargo
  for words in '--with oha' '--with=oha'; do
    # shellcheck disable=SC2086
    on_machine "$MACHINE/sluice/sluice" demo $words --requests 100
    assert_output --partial cargo-web
    refute_output --partial nghttp2-client
  done
}

@test "load compiles its generator, unless another one is asked for" {
  stand_in id 'echo 0'
  on_machine "$MACHINE/sluice/sluice" load http://127.0.0.1:1
  assert_output --partial cargo-web
  on_machine "$MACHINE/sluice/sluice" load --with h2load http://127.0.0.1:1
  assert_output --partial nghttp2-client
  refute_output --partial cargo
}

@test "a home that cannot be written is named" {
  stand_in_registries
  on_machine XDG_CACHE_HOME=/proc/nowhere "$MACHINE/sluice/sluice" status
  assert_failure 3
  assert_output --partial '/proc/nowhere/sluice cannot be written'
}

@test "without a home it asks for one" {
  run env -i PATH="$MACHINE/bin" "$MACHINE/sluice/sluice" status
  assert_failure 3
  assert_output --partial 'neither HOME nor XDG_CACHE_HOME'
}

@test "another installation is waited for, but not for ever" {
  stand_in_registries
  mkdir -p "$MACHINE/home/.cache/sluice"
  exec 7>"$MACHINE/home/.cache/sluice/lock"
  flock 7
  on_machine SLUICE_SETUP_WAIT_SECONDS=1 "$MACHINE/sluice/sluice" status
  exec 7>&-
  assert_failure 3
  assert_line --partial 'waiting for it, at most 1 s'
  assert_output --partial 'another ./sluice has been installing for 1 s'
  refute_called npm
}

@test "two starts at once install once" {
  stand_in_registries
  # shellcheck disable=SC2016 # expanded by that bash
  on_machine bash -c '"$1" status & "$1" status & wait -n && wait -n' both "$MACHINE/sluice/sluice"
  assert_success
  run grep -c '^npm ' "$MACHINE/calls"
  assert_output 1
}
