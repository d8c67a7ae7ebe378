# shellcheck shell=bash
# The hosts, from the inventory. It is read once, by setup_suite.

# The shared facts of group_vars come with it; what is a template there stays one. Kept as lines, "in
# GROUP HOST" and "var HOST NAME VALUE", which a shell reads once: the tests ask some thousand times.
read_topology() {
  ansible-inventory --inventory "$SLUICE_TEST_INVENTORY" --list \
    --playbook-dir "$ROOT/ansible/playbooks" | jq -r '
    . as $all
    | def members($name): ($all[$name].hosts // [])[], (($all[$name].children // [])[] | members(.));
    (keys[] | select(. != "_meta") | . as $group | members($group) | ["in", $group, .]),
    (._meta.hostvars | to_entries[] | .key as $host | .value | to_entries[]
      | select(.value != null and .value != false) | ["var", $host, .key, (.value | tostring)])
    | @tsv' >"$TOPOLOGY"
  if [[ ! -s $TOPOLOGY ]]; then
    echo "no host can be read from the inventory $SLUICE_TEST_INVENTORY" >&2
    return 1
  fi
  load_topology
}

# Sets GROUP_HOSTS[GROUP], the hosts in the inventory's order, and HOST_VARS[HOST/NAME].
load_topology() {
  local kind owner name value key
  declare -gA GROUP_HOSTS=() HOST_VARS=()
  while IFS=$'\t' read -r kind owner name value; do
    if [[ $kind == var ]]; then
      key=$owner/$name
      HOST_VARS[$key]=$value
    elif ! is_in "$owner" "$name"; then
      GROUP_HOSTS[$owner]+="$name "
    fi
  done <"$TOPOLOGY"
}

# hosts GROUP: a line each, in the inventory's order
hosts() {
  local -a names
  read -r -a names <<<"${GROUP_HOSTS[$1]-}"
  if ((${#names[@]} > 0)); then
    printf '%s\n' "${names[@]}"
  fi
}

# first_host GROUP, host_count GROUP
first_host() {
  local in_a_row=${GROUP_HOSTS[$1]-}
  printf '%s\n' "${in_a_row%% *}"
}
host_count() {
  local -a names
  read -r -a names <<<"${GROUP_HOSTS[$1]-}"
  printf '%d\n' "${#names[@]}"
}

# is_in GROUP HOST
is_in() {
  [[ " ${GROUP_HOSTS[$1]-}" == *" $2 "* ]]
}

# host_var HOST NAME [DEFAULT]
host_var() {
  local key=$1/$2
  printf '%s\n' "${HOST_VARS[$key]-${3-}}"
}

# shared_var NAME [DEFAULT]: of the first host, for what is alike on all of them
shared_var() {
  host_var "$(first_host all)" "$@"
}

address() {
  host_var "$1" ansible_host
}

vip() {
  shared_var sluice_vip
}
vip_port() {
  shared_var sluice_vip_port 80
}
vip_url() {
  printf 'http://%s:%s\n' "$(vip)" "$(vip_port)"
}

# redis_with ROLE: the hosts of that role, primary or replica
redis_with() {
  local host
  for host in $(hosts redis); do
    if [[ $(host_var "$host" redis_role primary) == "$1" ]]; then
      printf '%s\n' "$host"
    fi
  done
}

# Where the operators' CLI is, and with it the ledger's and the database's addresses.
worker_host() {
  first_host workers
}

# needs_several GROUP WHY
needs_several() {
  if (($(host_count "$1") < 2)); then
    skip "there is only one host in $1: $2"
  fi
}

# vip_owner: the director that has the VIP. Fails if none or several have.
vip_owner() {
  local -a owners
  mapfile -t owners < <(vip_owners)
  [[ ${#owners[@]} == 1 ]] || return 1
  printf '%s\n' "${owners[0]}"
}
vip_owners() {
  local host
  for host in $(hosts directors); do
    if ON_LIMIT_S=10 on "$host" "ip -4 -o address show to $(vip)" 2>/dev/null |
      grep -v '^[0-9]*: lo ' | grep -q .; then
      printf '%s\n' "$host"
    fi
  done
}

# other_director HOST
other_director() {
  hosts directors | grep -vxF -- "$1" | head -n 1
}

# deployed_label: what the release that runs was labelled with. A run without it would bring every host
# to another release.
deployed_label() {
  # shellcheck disable=SC2016
  on "$(first_host nodes)" 'basename "$(readlink /opt/sluice/current/ticket-node)"' |
    sed -n 's|^\(.*\)-[^-]*$|\1|p'
}
