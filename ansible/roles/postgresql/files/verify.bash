# shellcheck shell=bash
# shellcheck disable=SC2154 # the environment, and expect.bash
expect "$UNIT" active "$(systemctl is-active "$UNIT" 2>&1)"
expect "postgresql.service at boot" enabled "$(systemctl is-enabled postgresql.service 2>&1)"

ask() {
  # psql would complain that it cannot enter root's directory.
  (cd / && runuser -u postgres -- psql -XAt --port="$PORT" "${2:-postgres}" -c "$1" 2>&1)
}
expect "synchronous_commit" on "$(ask 'SHOW synchronous_commit')"
expect "fsync" on "$(ask 'SHOW fsync')"
expect "password_encryption" scram-sha-256 "$(ask 'SHOW password_encryption')"
expect "settings that wait for a restart" "" \
  "$(ask 'SELECT name FROM pg_settings WHERE pending_restart')"
expect "lines of pg_hba.conf that are wrong" "" \
  "$(ask 'SELECT line_number FROM pg_hba_file_rules WHERE error IS NOT NULL')"
expect "owner of database $DATABASE" "$OWNER" \
  "$(ask "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '$DATABASE'")"
expect "rights of $OWNER beyond its database" f \
  "$(ask "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication FROM pg_roles \
    WHERE rolname = '$OWNER'")"
one postgresql
