#!/usr/bin/env bats
# Who the client is: limits and logs go by its address, so it must be its own, whatever it claims.

load support/lab

setup() {
  make_whole
}

# logged_at HOST MARK: the lines of its access log that hold the mark. As text: a power failure leaves
# zeros where the file was longer than what had reached the disk, and grep would call it binary.
logged_at() {
  on "$1" "sudo grep --text -hF -- $2 $(host_var "$1" nginx_access_log_path /var/log/sluice-nginx/access.log) || true"
}
logged() {
  local host
  for host in $(hosts web); do
    logged_at "$host" "$1"
  done >"$BATS_TEST_TMPDIR/logged"
  [[ -s $BATS_TEST_TMPDIR/logged ]]
}

# The address from which the crowd's machine talks to the VIP.
crowd_address() {
  crowd ip -4 -o route get "$(vip)" | grep -oP 'src \K[0-9.]+'
}

@test "Nginx logs the client's own address" {
  local mark=/$RUN_ID-own
  crowd curl -s -o /dev/null --max-time "$(patience 5)" "$(vip_url)$mark"
  wait_until 10 logged "$mark"
  assert_equal "$(jq -r .client "$BATS_TEST_TMPDIR/logged")" "$(crowd_address)"
}

@test "a forged X-Forwarded-For changes nothing" {
  local mark=/$RUN_ID-forged
  crowd curl -s -o /dev/null --max-time "$(patience 5)" -H 'X-Forwarded-For: 192.0.2.1' -H 'X-Real-IP: 192.0.2.1' \
    -H 'Forwarded: for=192.0.2.1' "$(vip_url)$mark"
  wait_until 10 logged "$mark"
  assert_equal "$(jq -r .client "$BATS_TEST_TMPDIR/logged")" "$(crowd_address)"
  run ! grep -F 192.0.2.1 "$BATS_TEST_TMPDIR/logged"
}
