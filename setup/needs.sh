# shellcheck shell=bash
# What each command needs, and what of that this machine lacks.

# How to see that a Debian package, or something that stands in for it, is there: the path of a
# file that can be read, or the name of a program.
debian_proof() {
  local -a programs
  case $1 in
    bats-assert | bats-support) printf '/usr/lib/bats/%s/load.bash\n' "$1" ;;
    ca-certificates) printf '/etc/ssl/certs/ca-certificates.crt\n' ;;
    dnsmasq-base) printf 'dnsmasq\n' ;;
    fdisk) printf 'sfdisk\n' ;;
    iproute2) printf 'ip\n' ;;
    libvirt-clients) printf 'virsh\n' ;;
    nghttp2-client) printf 'h2load\n' ;;
    nftables) printf 'nft\n' ;;
    e2fsprogs) printf 'mke2fs\n' ;;
    libc6-dev) printf '/usr/include/stdlib.h\n' ;;
    openssh-client) printf 'ssh\n' ;;
    procps) printf 'pgrep\n' ;;
    vagrant-libvirt) printf '/usr/share/vagrant-plugins/plugins.d/vagrant-libvirt.json\n' ;;
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
# `packages-all` (the developers' ones too), `oha`, `ansible`. `libvirt` and `qemu` are Debian's as
# well, under several names (setup/vagrant.sh).
list_needs() {
  local command=$1
  shift
  NEEDS=(bun packages)
  # What `lab` passes on has options of its own.
  case "$command $* " in
    lab\ * | vagrant\ * | playbook\ [!-]*) ;;
    *' --help '* | *' -h '*) return ;;
  esac
  case $command in
    demo) NEEDS=(redis-server nginx "$(find_generator h2load "$@")" bun packages) ;;
    up) NEEDS=(redis-server nginx bun packages) ;;
    load) NEEDS=("$(find_generator oha "$@")" bun packages) ;;
    bench) NEEDS=(redis-server nginx postgresql hyperfine bun packages oha) ;;
    lab) list_lab_needs "$@" ;;
    playbook) NEEDS=(openssh-client bun packages ansible) ;;
    box) list_box_needs "$@" ;;
    vagrant) list_vagrant_needs "$@" ;;
    test) list_test_needs "$@" ;;
  esac
}

# find_generator DEFAULT ARGUMENTS...: what sends the crowd, the default or what `--with` names; one
# that there is not is refused by the command itself. oha takes minutes to build, h2load is Debian's.
find_generator() {
  local name=$1
  shift
  while (($# > 0)); do
    case $1 in
      --with) name=${2:-} ;;
      --with=*) name=${1#--with=} ;;
    esac
    shift
  done
  case $name in
    oha) printf 'oha\n' ;;
    *) printf 'nghttp2-client\n' ;;
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

# A box: packages, a disk, its format.
readonly BOX_NEEDS=(mmdebstrap e2fsprogs fdisk qemu)
# Virtual machines, in a network apart.
readonly VAGRANT_NEEDS=(
  "${BOX_NEEDS[@]}" vagrant vagrant-libvirt libvirt libvirt-clients dnsmasq-base iptables
  iproute2 procps openssh-client
)

list_box_needs() {
  case ${1:-} in
    build) NEEDS=("${BOX_NEEDS[@]}" openssh-client bun packages) ;;
    add) NEEDS=("${BOX_NEEDS[@]}" openssh-client vagrant vagrant-libvirt bun packages) ;;
  esac
}

list_vagrant_needs() {
  case ${1:-} in
    up) NEEDS=("${VAGRANT_NEEDS[@]}" bun packages ansible) ;;
    playbook) NEEDS=(openssh-client bun packages ansible) ;;
  esac
}

# A scope that the CLI will refuse needs nothing but the CLI.
list_test_needs() {
  # procps is what bats ends hanging tests with.
  local -a tests=(redis-server nginx postgresql)
  # Each judges the configuration that Ansible renders for it.
  local -a rendered=(keepalived nftables iproute2)
  # What judges the Vagrantfile; no machine is made.
  local -a vagrant=(vagrant vagrant-libvirt bats bats-assert bats-support jq)
  tests+=(bats bats-assert bats-support procps shellcheck shfmt)
  case " $* " in
    *' static '*)
      NEEDS=(shellcheck shfmt nginx "${rendered[@]}" "${vagrant[@]}" bun packages-all ansible)
      ;;
    *' faults '* | *' orders '*) NEEDS=("${tests[@]}" bun packages-all) ;;
    *' unit '*) NEEDS=("${tests[@]}" "${rendered[@]}" "${vagrant[@]}" bun packages-all ansible) ;;
    *' lab '*)
      NEEDS=("${LAB_NEEDS[@]}" bats bats-assert bats-support curl jq bun packages-all oha ansible)
      ;;
    *' vagrant '*)
      NEEDS=("${VAGRANT_NEEDS[@]}" bats bats-assert bats-support curl jq bun packages-all oha ansible)
      ;;
    # The stack is driven from outside.
    *' stack '*) NEEDS=("${tests[@]}" nghttp2-client curl jq bun packages-all) ;;
    *' embedded '*)
      NEEDS=("${tests[@]}" "${rendered[@]}" "${vagrant[@]}")
      NEEDS+=(nghttp2-client curl bun packages-all ansible)
      ;;
    *)
      NEEDS=("${tests[@]}" "${LAB_NEEDS[@]}" "${rendered[@]}" "${vagrant[@]}")
      NEEDS+=(nghttp2-client curl bun packages-all oha ansible)
      ;;
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
    libvirt) has_libvirt ;;
    qemu) has_qemu ;;
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
