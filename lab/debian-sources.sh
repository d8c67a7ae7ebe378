# shellcheck shell=bash
# Where packages for the guests come from: the mirror that this machine installs from.

# Debian 13, which the roles are written for.
readonly SUITE=trixie

# The addresses of the machine's own sources that have a component `main`, each once.
machine_sources() {
  # The words in $() are apt's, not the shell's.
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(REPO_URI) $(COMPONENT)' 'Created-By: Packages' |
    awk '$2 == "main" && !seen[$1]++ { sub(/\/$/, "", $1); print $1 }'
}

# Prints the address of the mirror.
guest_mirror() {
  local mirror
  mirror=$(machine_sources | grep -v security | grep -m 1 '/debian$' || true)
  if [[ -z $mirror ]]; then
    printf 'The apt sources of this machine name no Debian mirror (an address that ends in\n' >&2
    printf '/debian), and the guests are made of its packages. Add one to /etc/apt.\n' >&2
    return 1
  fi
  printf '%s\n' "$mirror"
}

# Prints the guests' sources, as lines for apt.
guest_sources() {
  local mirror security
  mirror=$(guest_mirror) || return
  security=$(machine_sources | grep -m 1 'debian-security$' || true)
  printf 'deb %s %s main\n' "$mirror" "$SUITE"
  printf 'deb %s %s-updates main\n' "$mirror" "$SUITE"
  if [[ -n $security ]]; then
    printf 'deb %s %s-security main\n' "$security" "$SUITE"
  fi
}

# Prints the line of the backports for the guests' Debian.
guest_backports() {
  local mirror
  mirror=$(guest_mirror) || return
  printf 'deb %s %s-backports main\n' "$mirror" "$SUITE"
}
