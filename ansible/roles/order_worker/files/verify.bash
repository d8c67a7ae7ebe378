# shellcheck shell=bash
# shellcheck disable=SC2154 # the environment, and expect.bash
expect_units order-worker.service
expect_hardened order-worker.service
pid=$(systemctl show --value --property=MainPID order-worker.service)
expect "program of order-worker.service" "$(readlink -f /opt/sluice/current/order-worker/order-worker)" \
  "$(readlink "/proc/$pid/exe")"
expect "owner and mode of the worker's configuration" "root 600" \
  "$(stat --format='%U %a' /opt/sluice/current/order-worker/order-worker.env)"
expect_answer "http://$LISTEN/readyz" 200
if ! said=$(sluice sale list 2>&1); then
  differs "sluice sale list does not work: $said"
fi
if [[ -L /opt/sluice/fallback/order-worker ]]; then
  differs "the order worker's deployment was not seen to work; deploy.yml tries it again"
fi
deployment=$(basename "$(readlink -f /opt/sluice/current/order-worker)")
same release "${deployment%.*}"
