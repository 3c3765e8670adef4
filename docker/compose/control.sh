#!/bin/sh
# Run once by the postgres image: the portal's database and its four roles, and the one that makes sandboxes.
set -eu
for role in owner web worker proxy; do
    psql --quiet --set ON_ERROR_STOP=1 --username postgres <<SQL
SET log_min_error_statement = panic;
CREATE ROLE sayoo_$role LOGIN PASSWORD '$(cat "/run/secrets/${role}_password")';
SQL
done
psql --quiet --set ON_ERROR_STOP=1 --username postgres <<SQL
SET log_min_error_statement = panic;
CREATE ROLE sayoo_sandbox LOGIN CREATEDB PASSWORD '$(cat /run/secrets/sandbox_password)';
SQL
psql --quiet --set ON_ERROR_STOP=1 --username postgres <<'SQL'
CREATE DATABASE sayoo OWNER sayoo_owner TEMPLATE template0;
REVOKE CONNECT ON DATABASE postgres, template1, sayoo FROM PUBLIC;
GRANT CONNECT ON DATABASE sayoo TO sayoo_web, sayoo_worker, sayoo_proxy;
GRANT CONNECT ON DATABASE postgres TO sayoo_sandbox;
SQL
