# shellcheck shell=bash
# shellcheck disable=SC2154,SC2153 # the environment, and expect.bash
for pair in $UNITS; do
  unit=${pair%%=*} environment=${pair#*=}
  expect_units "$unit"
  expect_hardened "$unit"
  pid=$(systemctl show --value --property=MainPID "$unit")
  expect "program of $unit" "$(readlink -f /opt/sluice/current/ticket-node/ticket-node)" \
    "$(readlink "/proc/$pid/exe")"
  expect "owner and mode of $environment" "root 600" "$(stat --format='%U %a' "$environment")"
  expect_answer "http://$(sed -n 's/^SLUICE_LISTEN=//p' "$environment")/readyz" 200
done
expect "processes that run" "$PROCESSES" \
  "$(systemctl list-units --plain --no-legend --state=active 'ticket-node@*' | wc -l)"
if [[ -L /opt/sluice/fallback/ticket-node ]]; then
  differs "the ticket node's deployment was not seen to work; deploy.yml tries it again"
fi
deployment=$(basename "$(readlink -f /opt/sluice/current/ticket-node)")
same release "${deployment%.*}"
