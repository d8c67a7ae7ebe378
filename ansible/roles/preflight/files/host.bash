# shellcheck shell=bash
# shellcheck disable=SC2154 # ADDRESS, INTERFACE, VIP, CONTROL and NEAR_VIP are the task's
# Whether a host is fit to be deployed to. Prints a sentence for each thing that is wrong, and
# `drained: KIND` for each tier that was drained here. As the user that Ansible logs in as.
set -uo pipefail
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

to_number() {
  local -a part
  IFS=. read -r -a part <<<"$1"
  printf '%d\n' $(((part[0] << 24) + (part[1] << 16) + (part[2] << 8) + part[3]))
}

# is_within ADDRESS NETWORK[/BITS]
is_within() {
  local bits=${2#*/} mask
  [[ $2 == */* ]] || bits=32
  mask=$((bits == 0 ? 0 : (0xffffffff << (32 - bits)) & 0xffffffff))
  ((($(to_number "$1") & mask) == ($(to_number "${2%/*}") & mask)))
}

check_system() {
  local ID='' VERSION_ID=''
  # shellcheck source=/dev/null
  source /etc/os-release
  if [[ $ID != debian || $VERSION_ID != 13 ]]; then
    printf 'It runs %s %s; the roles are written for Debian 13.\n' "$ID" "$VERSION_ID"
  fi
}

check_network() {
  local network
  if [[ $INTERFACE == auto ]]; then
    INTERFACE=$(ip -4 -o address show to "$ADDRESS/32" | awk '{ print $2; exit }')
    if [[ -z $INTERFACE ]]; then
      printf 'None of its interfaces has the address %s (sluice_address).\n' "$ADDRESS"
      return
    fi
  fi
  if [[ ! -d /sys/class/net/$INTERFACE ]]; then
    printf 'It has no interface %s (sluice_interface); it has: %s.\n' "$INTERFACE" \
      "$(cd /sys/class/net && printf '%s ' * | sed 's/ $//')"
    return
  fi
  network=$(ip -4 -o address show dev "$INTERFACE" |
    awk -v address="$ADDRESS/" 'index($4, address) == 1 { print $4; exit }')
  if [[ -z $network ]]; then
    printf 'Its interface %s does not have the address %s (sluice_address).\n' "$INTERFACE" "$ADDRESS"
  elif [[ $NEAR_VIP == yes ]] && ! is_within "$VIP" "$network"; then
    printf 'The VIP %s is not in the network of its address, %s: direct routing needs %s\n' \
      "$VIP" "$network" 'directors and web hosts in one network segment with the VIP.'
  fi
}

# The firewall lets ssh in from the control addresses alone. Not asked where there is no ssh.
check_way_back() {
  local network client=${SSH_CONNECTION%% *}
  [[ -n $client ]] || return
  for network in $CONTROL; do
    if [[ $client =~ ^[0-9.]+$ ]] && is_within "$client" "$network"; then
      return
    fi
  done
  printf 'This run reaches it from %s, which is not in sluice_control_addresses (%s): %s\n' \
    "$client" "$CONTROL" 'the firewall would shut it out.'
}

list_drained() {
  local marker
  for marker in /etc/sluice/*drained*; do
    if [[ -e $marker ]]; then
      printf 'drained: %s\n' "${marker##*/}"
    fi
  done
}

SSH_CONNECTION=${SSH_CONNECTION:-}
check_system
check_network
check_way_back
list_drained
