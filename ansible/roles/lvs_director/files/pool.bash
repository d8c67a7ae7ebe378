# shellcheck shell=bash
# What a director sends to the web hosts, for ask.bash of the role drain. One that has no keepalived
# running has an empty table. Its connections are those that it has seen a packet of lately, closed or
# not: with direct routing it hears one side only.
pool() {
  ipvsadm --list --numeric |
    awk '$1 == "->" && $4 ~ /^[0-9]+$/ { sub(/:[0-9]+$/, "", $2); print $2, $4, $5 + $6 }'
}
