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

# Sets `DEPENDENCIES`, in the order of installation: names of Debian packages, then `bun`, `packages`
# or `packages-all` (the developers' ones too), `oha`, `ansible`. `libvirt` and `qemu` are Debian's
# as well, under several names (setup/vagrant.sh).
list_dependencies() {
  local command=$1
  shift
  DEPENDENCIES=(bun packages)
  # What `lab` passes on has options of its own.
  case "$command $* " in
    lab\ * | vagrant\ * | playbook\ [!-]*) ;;
    *' --help '* | *' -h '*) return ;;
  esac
  case $command in
    demo) DEPENDENCIES=(redis-server nginx "$(find_generator h2load "$@")" bun packages) ;;
    up) DEPENDENCIES=(redis-server nginx bun packages) ;;
    load) DEPENDENCIES=("$(find_generator oha "$@")" bun packages) ;;
    bench) DEPENDENCIES=(redis-server nginx postgresql hyperfine bun packages oha) ;;
    lab) list_lab_dependencies "$@" ;;
    playbook) DEPENDENCIES=(openssh-client bun packages ansible) ;;
    box) list_box_dependencies "$@" ;;
    vagrant) list_vagrant_dependencies "$@" ;;
    test) list_test_dependencies "$@" ;;
  esac
}

# find_generator DEFAULT ARGUMENTS...: what sends the crowd, the default or what `--with` names; one
# that there is not is refused by the command itself. oha takes minutes to build, Debian has h2load.
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
readonly LAB_DEPENDENCIES=(
  mmdebstrap zstd e2fsprogs xz-utils
  gcc libc6-dev make flex bison bc
  iproute2 procps openssh-client
)

list_lab_dependencies() {
  case ${1:-} in
    up) DEPENDENCIES=("${LAB_DEPENDENCIES[@]}" bun packages) ;;
    deploy | playbook) DEPENDENCIES=(openssh-client bun packages ansible) ;;
    test) list_test_dependencies lab ;;
  esac
}

# A box: packages, a disk, its format.
readonly BOX_DEPENDENCIES=(mmdebstrap e2fsprogs fdisk qemu)
# Virtual machines, in a network apart.
readonly VAGRANT_DEPENDENCIES=(
  "${BOX_DEPENDENCIES[@]}" vagrant vagrant-libvirt libvirt libvirt-clients dnsmasq-base iptables
  iproute2 procps openssh-client
)

list_box_dependencies() {
  case ${1:-} in
    build) DEPENDENCIES=("${BOX_DEPENDENCIES[@]}" openssh-client bun packages) ;;
    add)
      DEPENDENCIES=("${BOX_DEPENDENCIES[@]}" openssh-client vagrant vagrant-libvirt bun packages)
      ;;
  esac
}

list_vagrant_dependencies() {
  case ${1:-} in
    up) DEPENDENCIES=("${VAGRANT_DEPENDENCIES[@]}" bun packages ansible) ;;
    playbook) DEPENDENCIES=(openssh-client bun packages ansible) ;;
  esac
}

# A scope that the CLI will refuse needs nothing but the CLI.
list_test_dependencies() {
  # procps is what bats ends hanging tests with.
  local -a bats=(bats bats-assert bats-support procps jq)
  local -a tests=(redis-server nginx postgresql "${bats[@]}")
  # Each judges the configuration that Ansible renders for it.
  local -a checks=(shellcheck shfmt nginx keepalived nftables iproute2)
  # What judges the Vagrantfile; no machine is made.
  checks+=("${bats[@]}" vagrant vagrant-libvirt)
  # The stack is driven from outside.
  local -a stack=(curl nghttp2-client)
  case " $* " in
    *' static '*) DEPENDENCIES=("${checks[@]}") ;;
    *' faults '* | *' orders '*) DEPENDENCIES=("${tests[@]}") ;;
    *' stack '*) DEPENDENCIES=("${tests[@]}" "${stack[@]}") ;;
    *' unit '*) DEPENDENCIES=("${checks[@]}" "${tests[@]}") ;;
    *' embedded '*) DEPENDENCIES=("${checks[@]}" "${tests[@]}" "${stack[@]}") ;;
    *' lab '*) DEPENDENCIES=("${LAB_DEPENDENCIES[@]}" "${bats[@]}" curl) ;;
    *' vagrant '*) DEPENDENCIES=("${VAGRANT_DEPENDENCIES[@]}" "${bats[@]}" curl) ;;
    *) DEPENDENCIES=("${checks[@]}" "${tests[@]}" "${stack[@]}" "${LAB_DEPENDENCIES[@]}") ;;
  esac
  DEPENDENCIES+=(bun packages-all)
  case " $* " in
    *' faults '* | *' orders '* | *' stack '*) ;;
    *' static '* | *' unit '* | *' embedded '*) DEPENDENCIES+=(ansible) ;;
    *) DEPENDENCIES+=(oha ansible) ;;
  esac
}

# Sets `MISSING` to the dependencies that are not there. It runs at every start: nothing slow in here.
find_missing() {
  local dependency
  MISSING=()
  for dependency in "${DEPENDENCIES[@]}"; do
    if [[ " ${MISSING[*]} " != *" $dependency "* ]] && ! is_installed "$dependency"; then
      MISSING+=("$dependency")
    fi
  done
}

is_installed() {
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
