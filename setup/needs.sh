# shellcheck shell=bash
# What each command needs, and what of that this machine lacks.

# How to see that a Debian package, or something that stands in for it, is there: the path of a
# file that can be read, or the name of a program.
debian_proof() {
  local -a programs
  case $1 in
    bats-assert | bats-support) printf '/usr/lib/bats/%s/load.bash\n' "$1" ;;
    ca-certificates) printf '/etc/ssl/certs/ca-certificates.crt\n' ;;
    iproute2) printf 'ip\n' ;;
    nftables) printf 'nft\n' ;;
    e2fsprogs) printf 'mke2fs\n' ;;
    libc6-dev) printf '/usr/include/stdlib.h\n' ;;
    openssh-client) printf 'ssh\n' ;;
    procps) printf 'pgrep\n' ;;
    xz-utils) printf 'xz\n' ;;
    postgresql)
      # Of whatever version; without any, the pattern itself, which is no file.
      programs=(/usr/lib/postgresql/*/bin/initdb)
      printf '%s\n' "${programs[0]}"
      ;;
    *) printf '%s\n' "$1" ;;
  esac
}

# Sets `NEEDS`, in the order of installation: names of Debian packages, then `bun`, `packages` or
# `packages-all` (the developers' ones too), `oha`, `ansible`.
list_needs() {
  local command=$1
  shift
  NEEDS=(bun packages)
  # What `lab` passes on has options of its own.
  case "$command $* " in
    lab\ * | playbook\ [!-]*) ;;
    *' --help '* | *' -h '*) return ;;
  esac
  case $command in
    demo) NEEDS=(redis-server nginx bun packages oha) ;;
    up) NEEDS=(redis-server nginx bun packages) ;;
    load) NEEDS=(bun packages oha) ;;
    bench) NEEDS=(redis-server nginx postgresql hyperfine bun packages oha) ;;
    lab) list_lab_needs "$@" ;;
    playbook) NEEDS=(openssh-client bun packages ansible) ;;
    test) list_test_needs "$@" ;;
  esac
}

# The hosts of the lab: packages and disks, a kernel, the network, the way in.
readonly LAB_NEEDS=(
  mmdebstrap zstd e2fsprogs xz-utils
  gcc libc6-dev make flex bison bc
  iproute2 procps openssh-client
)

list_lab_needs() {
  case ${1:-} in
    up) NEEDS=("${LAB_NEEDS[@]}" bun packages) ;;
    deploy | playbook) NEEDS=(openssh-client bun packages ansible) ;;
    test) list_test_needs lab ;;
  esac
}

# A scope that the CLI will refuse needs nothing but the CLI.
list_test_needs() {
  # procps is what bats ends hanging tests with.
  local -a tests=(redis-server nginx postgresql)
  # Each judges the configuration that Ansible renders for it.
  local -a rendered=(keepalived nftables iproute2)
  tests+=(bats bats-assert bats-support procps shellcheck shfmt)
  case " $* " in
    *' static '*) NEEDS=(shellcheck shfmt nginx "${rendered[@]}" bun packages-all ansible) ;;
    *' faults '* | *' orders '*) NEEDS=("${tests[@]}" bun packages-all) ;;
    *' unit '*) NEEDS=("${tests[@]}" "${rendered[@]}" bun packages-all ansible) ;;
    *' lab '*)
      NEEDS=("${LAB_NEEDS[@]}" bats bats-assert bats-support curl jq bun packages-all oha ansible)
      ;;
    # The stack is driven from outside, too.
    *' embedded '*) NEEDS=("${tests[@]}" "${rendered[@]}" curl jq bun packages-all oha ansible) ;;
    *) NEEDS=("${tests[@]}" "${LAB_NEEDS[@]}" "${rendered[@]}" curl jq bun packages-all oha ansible) ;;
  esac
}

# Sets `MISSING` to the needs that are not met. This runs at every start: nothing slow in here.
find_missing() {
  local need
  MISSING=()
  for need in "${NEEDS[@]}"; do
    is_met "$need" || MISSING+=("$need")
  done
}

is_met() {
  case $1 in
    bun) has_bun ;;
    packages | packages-all) has_packages "$1" ;;
    oha) has_oha ;;
    ansible) has_ansible ;;
    *) has_debian "$1" ;;
  esac
}

has_debian() {
  local proof
  proof=$(debian_proof "$1")
  if [[ $proof == /* ]]; then
    [[ -r $proof ]]
  else
    command -v "$proof" >/dev/null
  fi
}
