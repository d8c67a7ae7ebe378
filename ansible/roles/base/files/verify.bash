# shellcheck shell=bash
# shellcheck disable=SC2154,SC2086 # LISTENERS is the task's; the functions are expect.bash's
# Every value of ours, of whichever role; a later file may have taken one back.
while IFS='=' read -r key value; do
  read -r key <<<"$key"
  read -r value <<<"$value"
  expect_sysctl "$key" "$value"
done < <(grep -hE '^[a-z]' /etc/sysctl.d/*sluice*.conf)

for marker in /etc/sluice/*.drained; do
  if [[ -e $marker ]]; then
    differs "the host is drained ($marker)"
  fi
done
if [[ $TIME == yes ]]; then
  expect_units systemd-timesyncd.service
fi
failed=$(systemctl list-units --failed --plain --no-legend | awk '{ print $1 }' | paste -sd ' ')
expect "units that failed" "" "$failed"
expect_listeners $LISTENERS
