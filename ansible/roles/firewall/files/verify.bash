# shellcheck shell=bash
# shellcheck disable=SC2154 # the functions are expect.bash's
expect_units nftables.service
# The same rules, loaded where there is nothing else, read back without what has been counted.
written=$(unshare --net bash -c 'nft --file /etc/nftables.conf && nft --stateless list table inet sluice' 2>&1)
loaded=$(nft --stateless list table inet sluice 2>&1)
if [[ $loaded != "$written" ]]; then
  differs "the rules that are loaded are not those of /etc/nftables.conf:" \
    "$(diff <(printf '%s\n' "$written") <(printf '%s\n' "$loaded") | grep '^[<>]' | paste -sd ' ')"
fi
