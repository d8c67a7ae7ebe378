# shellcheck shell=bash
# shellcheck disable=SC2154 # the environment, and expect.bash
expect_units redis-server.service
expect_sysctl vm.overcommit_memory 1
if ! systemctl show --value --property=Restart redis-server.service | grep -qx always; then
  differs "redis-server.service does not come back by itself"
fi

# Without a name nobody may do anything.
expect "Redis to a client without a name" "NOAUTH Authentication required." \
  "$(redis-cli -h "$ADDRESS" -p "$PORT" PING 2>&1)"

# The password of the replicas stands on the host; it may ask for nothing, so what the server is set
# to is read from its file, and that it runs with it from the time of its start.
configured() {
  sed -n "s/^$1 //p" /etc/redis/redis.conf | tail -n 1
}
expect "maxmemory" "$MAXMEMORY" "$(configured maxmemory)"
if [[ $DURABILITY != memory ]]; then
  expect "appendfsync, for durability $DURABILITY" always "$(configured appendfsync)"
fi
if [[ $ROLE == primary ]]; then
  expect "replicaof of the primary" "" "$(configured replicaof)"
  one redis-primary
fi
started=$(date --date="$(systemctl show --value --property=ExecMainStartTimestamp redis-server.service)" +%s)
for file in /etc/redis/redis.conf /etc/redis/sluice.conf; do
  if (($(stat --format=%Y "$file") > started + 1)); then
    differs "$file is newer than the Redis that runs"
  fi
done
same redis-configuration "$(sha256sum </etc/redis/sluice.conf)"
same redis-users "$(sha256sum </etc/redis/users.acl)"
