#!/bin/sh
# Run once by the postgres image: the role that makes databases and roles for tenants, and who
# may come in from where. The superuser comes in nowhere but from inside this container.
set -eu
psql --quiet --set ON_ERROR_STOP=1 --username postgres <<SQL
SET log_min_error_statement = panic;
CREATE ROLE sayoo_platform LOGIN CREATEDB CREATEROLE PASSWORD '$(cat /run/secrets/platform_password)';
REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE postgres, template1 TO sayoo_platform;
GRANT pg_signal_backend, pg_read_all_stats TO sayoo_platform;
GRANT EXECUTE ON FUNCTION pg_ls_tmpdir() TO sayoo_platform;
GRANT SET ON PARAMETER log_min_messages, log_min_error_statement TO sayoo_platform;
ALTER ROLE sayoo_platform SET createrole_self_grant = 'set, inherit';
SQL
cat >"$PGDATA/pg_hba.conf" <<'CONF'
local all postgres                     trust
host  all postgres       0.0.0.0/0     reject
host  all all            127.0.0.1/32  scram-sha-256
host  all sayoo_platform 0.0.0.0/0     reject
host  all all            172.16.0.0/12 scram-sha-256
CONF
