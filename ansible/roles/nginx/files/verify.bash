# shellcheck shell=bash
# shellcheck disable=SC2154 # the environment, and expect.bash
expect_units sluice-nginx.service sluice-nginx-rotate.timer
expect_hardened sluice-nginx.service
expect "Debian's nginx.service" inactive "$(systemctl is-active nginx.service)"
expect_answer "http://$ADDRESS:$PORT/readyz" 200
expect_answer http://127.0.0.1:"$PORT"/healthz 200

# What it runs with is what is laid out: the youngest worker began after the last change.
workers_since() {
  local pid
  for pid in $(pgrep --parent "$(</run/sluice-nginx/nginx.pid)"); do
    stat --format=%Y "/proc/$pid"
  done | sort --numeric-sort | tail -n 1
}
since=$(workers_since)
if ((${since:-0} < $(stat --format=%Y /etc/sluice/nginx/nginx.conf))); then
  differs "/etc/sluice/nginx is newer than what Nginx runs with: systemctl reload sluice-nginx, drained"
fi
same nginx-configuration "$(cat /etc/sluice/nginx/*.conf | sha256sum)"
same nginx-upstream "$(sha256sum </etc/sluice/nginx/host/upstream.conf)"
