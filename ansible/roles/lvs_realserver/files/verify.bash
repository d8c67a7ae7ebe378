# shellcheck shell=bash
# shellcheck disable=SC2154 # the environment, and expect.bash
expect_units sluice-vip.service
expect_hardened sluice-vip.service
expect_sysctl net.ipv4.conf.all.arp_ignore 1
expect_sysctl net.ipv4.conf.all.arp_announce 2
expect "where the VIP is" lo \
  "$(ip -4 -oneline address show to "$VIP/32" | awk '{ print $2 }' | paste -sd ' ')"
