//! Statements by which a tenant would leave its own database, or take more than its own. Each must be refused.
//!
//! `{a}` and `{a_role}` are the attacker's database and role, `{b}` and `{b_role}` another tenant's; the other names are the
//! platform's.

/// A statement, what somebody would gain by it, and the code with which it must be refused.
pub struct Attack {
    pub gains: &'static str,
    pub statement: &'static str,
    pub code: &'static str,
}

const fn denied(gains: &'static str, statement: &'static str) -> Attack {
    refused(gains, statement, "42501")
}

const fn refused(gains: &'static str, statement: &'static str, code: &'static str) -> Attack {
    Attack { gains, statement, code }
}

/// What it is, and who else it could be.
pub const ROLES: &[Attack] = &[
    denied("another tenant's role", "SET ROLE {b_role}"),
    denied("the platform's role", "SET ROLE {platform}"),
    denied("the bootstrap superuser", "SET ROLE postgres"),
    denied("another's session", "SET SESSION AUTHORIZATION {b_role}"),
    denied("the platform's session", "SET SESSION AUTHORIZATION {platform}"),
    denied("role none and then the platform", "SET ROLE none; SET LOCAL ROLE {platform}"),
    denied("a setting that is a role", "SELECT set_config('role', '{platform}', false)"),
    denied("a setting that is a session", "SELECT set_config('session_authorization', '{platform}', false)"),
    denied("superuser", "ALTER ROLE CURRENT_USER SUPERUSER"),
    denied("databases", "ALTER ROLE CURRENT_USER CREATEDB"),
    denied("roles", "ALTER ROLE CURRENT_USER CREATEROLE"),
    denied("replication", "ALTER ROLE CURRENT_USER REPLICATION"),
    denied("past policies", "ALTER ROLE CURRENT_USER BYPASSRLS"),
    denied("inheriting", "ALTER ROLE CURRENT_USER INHERIT"),
    denied("its own limit of connections", "ALTER ROLE CURRENT_USER CONNECTION LIMIT -1"),
    denied("another's limit of connections", "ALTER ROLE {b_role} CONNECTION LIMIT 0"),
    denied("another's password", "ALTER ROLE {b_role} PASSWORD 'x'"),
    denied("the platform's password", "ALTER ROLE {platform} PASSWORD 'x'"),
    denied("locking another out", "ALTER ROLE {b_role} NOLOGIN"),
    denied("another's end", "ALTER ROLE {b_role} VALID UNTIL '2000-01-01'"),
    denied("its own end, lifted", "ALTER ROLE CURRENT_USER VALID UNTIL 'infinity'"),
    refused("renaming itself", "ALTER ROLE {a_role} RENAME TO {b_role}_x", "0A000"),
    denied("a setting of another's", "ALTER ROLE {b_role} SET search_path = 'evil'"),
    denied("a setting of another's, there", "ALTER ROLE {b_role} IN DATABASE {b} SET search_path = 'evil'"),
    denied("a setting of the platform's", "ALTER ROLE {platform} SET search_path = 'evil'"),
    denied("a setting of everybody's", "ALTER ROLE ALL SET search_path = 'evil'"),
    denied("a setting of all here", "ALTER DATABASE {a} SET session_preload_libraries = 'x'"),
    denied("what is loaded into its sessions", "ALTER ROLE CURRENT_USER SET session_preload_libraries = 'x'"),
    denied("what is written of its sessions", "ALTER ROLE CURRENT_USER SET log_statement = 'all'"),
    denied("what is written of its warnings", "ALTER ROLE CURRENT_USER SET log_min_messages = 'debug5'"),
    denied("that its words are not written", "ALTER ROLE CURRENT_USER RESET log_min_messages"),
    denied("more temporary files for itself", "ALTER ROLE CURRENT_USER SET temp_file_limit = -1"),
    denied("a role of its own", "CREATE ROLE {a}_friend LOGIN"),
    denied("dropping another's role", "DROP ROLE {b_role}"),
    denied("another's things", "DROP OWNED BY {b_role}"),
    denied("another's things, for itself", "REASSIGN OWNED BY {b_role} TO CURRENT_USER"),
    denied("the platform's things, for itself", "REASSIGN OWNED BY {platform} TO CURRENT_USER"),
    denied("itself for another", "GRANT {a_role} TO {b_role}"),
    denied("another for itself", "GRANT {b_role} TO {a_role}"),
    denied("the platform for itself", "GRANT {platform} TO {a_role}"),
    denied("reading all data", "GRANT pg_read_all_data TO {a_role}"),
    denied("programs", "GRANT pg_execute_server_program TO {a_role}"),
    denied("being a role that reads files", "SET ROLE pg_read_server_files"),
    denied("being a role that signals", "SET ROLE pg_signal_backend"),
    denied("being a role that watches", "SET ROLE pg_monitor"),
    denied("the order on its role", "COMMENT ON ROLE {a_role} IS 'sayoo x role 9223372036854775807'"),
    denied("the order on another's role", "COMMENT ON ROLE {b_role} IS 'sayoo x role 9223372036854775807'"),
    denied("hashes of passwords", "SELECT rolpassword FROM pg_authid"),
    denied("hashes in the old view", "SELECT passwd FROM pg_shadow"),
    denied("who may be whom", "INSERT INTO pg_auth_members SELECT * FROM pg_auth_members"),
    denied("writing into the catalogue", "UPDATE pg_authid SET rolsuper = true WHERE rolname = CURRENT_USER"),
    denied("changing the catalogue's tables", "SET allow_system_table_mods = on"),
    denied("rights on parameters", "GRANT SET ON PARAMETER log_min_messages TO {a_role}"),
];

/// Files, programs and modules of the server's machine.
pub const FILES: &[Attack] = &[
    denied("a program's answer", "CREATE TEMP TABLE it (t text); COPY it FROM PROGRAM 'id'"),
    denied("a program", "COPY (SELECT 1) TO PROGRAM 'true'"),
    denied("reading a file", "CREATE TEMP TABLE it (t text); COPY it FROM '/etc/passwd'"),
    denied("writing a file", "COPY (SELECT 1) TO '/tmp/sayoo-attack'"),
    denied("a file as a large object", "SELECT lo_import('/etc/passwd')"),
    denied("a large object as a file", "SELECT lo_export(lo_create(0), '/tmp/sayoo-attack')"),
    denied("pg_read_file", "SELECT pg_read_file('postgresql.conf')"),
    denied("pg_read_file in parts", "SELECT pg_read_file('PG_VERSION', 0, 1)"),
    denied("pg_read_binary_file", "SELECT pg_read_binary_file('global/pg_control')"),
    denied("pg_ls_dir", "SELECT pg_ls_dir('base')"),
    denied("pg_stat_file", "SELECT pg_stat_file('PG_VERSION')"),
    denied("the log's names", "SELECT * FROM pg_ls_logdir()"),
    denied("the log of changes' names", "SELECT * FROM pg_ls_waldir()"),
    denied("temporary files' names", "SELECT * FROM pg_ls_tmpdir()"),
    denied("archives' names", "SELECT * FROM pg_ls_archive_statusdir()"),
    denied("who may come in from where", "SELECT * FROM pg_hba_file_rules"),
    denied("what is configured", "SELECT * FROM pg_file_settings"),
    denied("whose name is whose", "SELECT * FROM pg_ident_file_mappings"),
    denied("where the data are", "SHOW data_directory"),
    denied("where the rules are", "SHOW hba_file"),
    denied("reading files, given away", "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO CURRENT_USER"),
    denied("the present log", "SELECT pg_current_logfile()"),
    denied("the server's control file", "SELECT pg_rotate_logfile()"),
    denied("a library", "LOAD '/tmp/sayoo.so'"),
    denied("a library of the server's", "LOAD '$libdir/dblink'"),
    denied("a function in C", "CREATE FUNCTION it() RETURNS int LANGUAGE c AS 'libc', 'getpid'"),
    denied("an internal function", "CREATE FUNCTION it() RETURNS int LANGUAGE internal AS 'pg_backend_pid'"),
    refused("a language", "CREATE LANGUAGE plperlu", "0A000"),
    denied(
        "a type of its own in C",
        "CREATE TYPE it; CREATE FUNCTION it_in(cstring) RETURNS it LANGUAGE internal AS 'int4in' STRICT",
    ),
    denied("a cast without a function", "CREATE TYPE pair AS (a int); CREATE CAST (pair AS bytea) WITHOUT FUNCTION"),
    denied("a module that reads files", "CREATE EXTENSION file_fdw"),
    denied("a module of the administrator's", "CREATE EXTENSION adminpack"),
    denied("a module that looks into pages", "CREATE EXTENSION pageinspect"),
    denied("a module that keeps statements", "CREATE EXTENSION pg_stat_statements"),
    denied("a tablespace", "CREATE TABLESPACE it LOCATION '/tmp'"),
    denied("tables elsewhere", "CREATE TABLE it (i int) TABLESPACE pg_global"),
];

/// Ways to other servers and databases, and what the platform put into its own.
pub const ELSEWHERE: &[Attack] = &[
    denied("dblink", "CREATE EXTENSION dblink"),
    denied("postgres_fdw", "CREATE EXTENSION postgres_fdw"),
    refused("a server without a module", "CREATE SERVER it FOREIGN DATA WRAPPER postgres_fdw", "42704"),
    denied("a wrapper", "CREATE FOREIGN DATA WRAPPER it"),
    denied("a trusted module", "CREATE EXTENSION hstore"),
    denied("a module of ours, anew", "DROP EXTENSION pg_trgm"),
    denied("a module of ours, changed", "ALTER EXTENSION pg_trgm ADD TABLE res_users"),
    denied(
        "a function of a module of ours",
        "CREATE OR REPLACE FUNCTION public.unaccent(text) RETURNS text LANGUAGE sql AS 'SELECT 1::text'",
    ),
    denied(
        "a subscription",
        "CREATE SUBSCRIPTION it CONNECTION 'host=localhost' PUBLICATION it WITH (connect = false)",
    ),
    denied("a publication", "CREATE PUBLICATION it FOR TABLE res_users"),
    denied("a publication of everything", "CREATE PUBLICATION it FOR ALL TABLES"),
    refused("a table of another database", "SELECT * FROM {b}.public.res_users", "0A000"),
];

/// Databases, schemas and what is everybody's in them.
pub const DATABASES: &[Attack] = &[
    denied("a database", "CREATE DATABASE {a}_more"),
    denied("a copy of another's", "CREATE DATABASE {a}_copy TEMPLATE {b}"),
    denied("a copy of the template", "CREATE DATABASE {a}_copy TEMPLATE {template}"),
    denied("dropping another's", "DROP DATABASE {b} WITH (FORCE)"),
    denied("coming into another's", "GRANT CONNECT ON DATABASE {b} TO {a_role}"),
    denied("dropping its own", "DROP DATABASE {a}"),
    denied("renaming another's", "ALTER DATABASE {b} RENAME TO {b}_x"),
    denied("owning its own", "ALTER DATABASE {a} OWNER TO {a_role}"),
    denied("owning another's", "ALTER DATABASE {b} OWNER TO {a_role}"),
    denied("closing another's", "ALTER DATABASE {b} ALLOW_CONNECTIONS false"),
    denied("another's limit of connections there", "ALTER DATABASE {b} CONNECTION LIMIT 0"),
    denied("its own as a template", "ALTER DATABASE {a} IS_TEMPLATE true"),
    denied("opening the template", "ALTER DATABASE {template} ALLOW_CONNECTIONS true"),
    denied("settings of another's", "ALTER DATABASE {b} SET default_transaction_read_only = on"),
    denied("settings of the server's own", "ALTER DATABASE postgres SET search_path = 'evil'"),
    denied("another's collation", "ALTER DATABASE {b} REFRESH COLLATION VERSION"),
    denied("the sign on its own", "COMMENT ON DATABASE {a} IS 'x'"),
    denied("the sign on another's", "COMMENT ON DATABASE {b} IS 'x'"),
    denied("a schema", "CREATE SCHEMA evil"),
    denied("the schema of all", "ALTER SCHEMA public OWNER TO {a_role}"),
    denied("dropping the schema of all", "DROP SCHEMA public CASCADE"),
    denied("the catalogue's schema", "CREATE FUNCTION pg_catalog.evil() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    denied(
        "an event trigger",
        "CREATE FUNCTION evil() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER evil ON ddl_command_end EXECUTE FUNCTION evil()",
    ),
    denied(
        "rights of what the platform will make",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {platform} GRANT ALL ON TABLES TO {a_role}",
    ),
    denied("a name for somebody else's things", "ALTER TABLE pg_catalog.pg_class OWNER TO {a_role}"),
];

/// Sessions, statistics and the log of changes of the others.
pub const OTHERS: &[Attack] = &[
    denied("ending another's session", "SELECT pg_terminate_backend({b_pid})"),
    denied("stopping another's statement", "SELECT pg_cancel_backend({b_pid})"),
    denied("ending the platform's session", "SELECT pg_terminate_backend({platform_pid})"),
    denied("the memory of another's session", "SELECT pg_log_backend_memory_contexts({b_pid})"),
    denied("another's origin", "SELECT pg_replication_origin_create('evil')"),
    denied("all origins", "SELECT * FROM pg_replication_origin_status"),
    denied("a place in the log of changes", "SELECT pg_create_physical_replication_slot('evil', true)"),
    denied("reading the log of changes", "SELECT pg_create_logical_replication_slot('evil', 'test_decoding')"),
    denied("reading what was changed", "SELECT * FROM pg_logical_slot_get_changes('evil', NULL, NULL)"),
    denied("dropping a place", "SELECT pg_drop_replication_slot('evil')"),
    denied("words for the log of changes", "SELECT pg_replication_origin_xact_setup('0/1', now())"),
    refused("a transaction for ever", "BEGIN; CREATE TABLE it (i int); PREPARE TRANSACTION 'evil'", "55000"),
    denied("statistics of others", "SELECT pg_stat_reset_shared('bgwriter')"),
    denied("statistics", "SELECT pg_stat_reset()"),
    denied("statistics of a buffer", "SELECT pg_stat_reset_slru(NULL)"),
    denied("what is in the shared memory", "SELECT * FROM pg_shmem_allocations"),
    denied("what is in its memory", "SELECT * FROM pg_backend_memory_contexts"),
];

/// Settings and orders of the whole server.
pub const SERVER: &[Attack] = &[
    denied("ALTER SYSTEM", "ALTER SYSTEM SET work_mem = '1GB'"),
    denied("ALTER SYSTEM, taken back", "ALTER SYSTEM RESET ALL"),
    denied("its configuration read again", "SELECT pg_reload_conf()"),
    denied("a checkpoint", "CHECKPOINT"),
    denied("a new file of the log of changes", "SELECT pg_switch_wal()"),
    denied("a mark in the log of changes", "SELECT pg_create_restore_point('evil')"),
    denied("a backup", "SELECT pg_backup_start('evil')"),
    denied("the end of a backup", "SELECT pg_backup_stop()"),
    denied("being the first", "SELECT pg_promote()"),
    denied("not replaying", "SELECT pg_wal_replay_pause()"),
    denied("a snapshot of statistics", "SELECT pg_export_snapshot(), pg_stat_reset_single_function_counters(1)"),
    denied("more temporary files", "SET temp_file_limit = -1"),
    denied("statements in the log", "SET log_statement = 'all'"),
    denied("times in the log", "SET log_min_duration_statement = 0"),
    denied("warnings in the log", "SET log_min_messages = 'debug5'"),
    denied("failures in the log", "SET log_min_error_statement = 'debug5'"),
    denied("locks in the log", "SET log_lock_waits = on"),
    refused("waiting for no disk", "SET fsync = off", "55P02"),
    denied("broken pages", "SET zero_damaged_pages = on"),
    denied("broken sums", "SET ignore_checksum_failure = on"),
    denied("triggers switched off", "SET session_replication_role = 'replica'"),
    denied("commits that nobody waits for, for all", "SET commit_delay = 100000"),
    denied("titles switched off", "SET update_process_title = off"),
    denied("deadlocks never looked for", "SET deadlock_timeout = '1h'"),
    denied("libraries from elsewhere", "SET dynamic_library_path = '/tmp'"),
    denied("libraries for its sessions", "SET session_preload_libraries = 'x'"),
    denied("statistics switched off", "SET track_activities = off"),
    denied("how much is kept of statements", "SET max_stack_depth = '100MB'"),
];
