# shellcheck shell=bash
# shellcheck disable=SC2154 # the environment, and expect.bash
expect_units keepalived.service
expect_sysctl net.ipv4.vs.sloppy_tcp "$SLOPPY"
expect_sysctl net.ipv4.vs.conn_reuse_mode 2
expect_sysctl net.ipv4.vs.expire_nodest_conn 1

# Who it thinks it is, and who it is to the network, must be one.
part=$(cut -d ' ' -f 1 "$STATE" 2>&1)
vip_at=$(ip -4 -oneline address show to "$VIP/32" | awk '{ print $2 }')
case $part in
  MASTER)
    expect "where the VIP of the master is" "$INTERFACE" "$vip_at"
    one vip
    ;;
  BACKUP) expect "where the VIP of a backup is" "" "$vip_at" ;;
  *) differs "its part is '$part' instead of MASTER or BACKUP" ;;
esac

found=$(ipvsadm --list --numeric | awk '$1 == "->" && $4 ~ /^[0-9]+$/ { printf "%s=%s ", $2, $4 }')
expect "the pool" "$(tr -s ' ' <<<"$POOL" | sed 's/^ //; s/ *$/ /')" "$found"
# The table of mh is a function of the hosts and their order.
same pool-order "$(sed -n '/^virtual_server/,$p' /etc/keepalived/keepalived.conf | sha256sum)"
