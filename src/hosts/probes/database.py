"""Says what a login of its own lets a container do on the tenants' server. Part of the probe; speaks PostgreSQL's protocol by itself,
since the image may have no client that a bare Python finds. Changes nothing that stays.
"""
import base64
import hashlib
import hmac
import secrets
import socket
import struct

# No more than this many connections are tried: a limit above is none.
MOST_CONNECTIONS = 70
DENIED = ('42501',)
# There is no such thing here: as good as a refusal.
ABSENT = DENIED + ('58P01', '0A000', '22023', '42704', '42883')
# Each must be refused, and for the right reason.
ATTACKS = [
    ('a program', "COPY (SELECT 1) TO PROGRAM 'true'", DENIED),
    ('reading a file by COPY', "CREATE TEMP TABLE sayoo_t (t text); COPY sayoo_t FROM '/etc/passwd'", DENIED),
    ('writing a file', "COPY (SELECT 1) TO '/tmp/sayoo-probe'", DENIED),
    ('pg_read_file', "SELECT pg_read_file('PG_VERSION')", DENIED),
    ('pg_read_binary_file', "SELECT pg_read_binary_file('PG_VERSION')", DENIED),
    ('pg_ls_dir', "SELECT pg_ls_dir('.')", DENIED),
    ('pg_stat_file', "SELECT pg_stat_file('PG_VERSION')", DENIED),
    ('pg_ls_logdir', 'SELECT * FROM pg_ls_logdir()', DENIED),
    ('lo_import', "SELECT lo_import('/etc/passwd')", DENIED),
    ('lo_export', "SELECT lo_export(1, '/tmp/sayoo-probe')", DENIED),
    ('hashes of passwords', 'SELECT rolpassword FROM pg_authid', DENIED),
    ('pg_shadow', 'SELECT passwd FROM pg_shadow', DENIED),
    ('pg_hba_file_rules', 'SELECT * FROM pg_hba_file_rules', DENIED),
    ('making a role', 'CREATE ROLE sayoo_probe_role', DENIED),
    ('becoming superuser', 'ALTER ROLE CURRENT_USER SUPERUSER', DENIED),
    ('CREATEDB', 'ALTER ROLE CURRENT_USER CREATEDB', DENIED),
    ('CREATEROLE', 'ALTER ROLE CURRENT_USER CREATEROLE', DENIED),
    ('REPLICATION', 'ALTER ROLE CURRENT_USER REPLICATION', DENIED),
    ('its own connection limit', 'ALTER ROLE CURRENT_USER CONNECTION LIMIT -1', DENIED),
    ('making a database', 'CREATE DATABASE sayoo_probe_database', DENIED),
    ('SET SESSION AUTHORIZATION', 'SET SESSION AUTHORIZATION postgres', ABSENT),
    ('pg_execute_server_program', 'SET ROLE pg_execute_server_program', DENIED),
    ('pg_read_server_files', 'SET ROLE pg_read_server_files', DENIED),
    ('pg_write_all_data', 'SET ROLE pg_write_all_data', DENIED),
    ('pg_signal_backend', 'SET ROLE pg_signal_backend', DENIED),
    ('granting itself a role', 'GRANT pg_read_all_data TO CURRENT_USER', DENIED),
    ('ALTER SYSTEM', "ALTER SYSTEM SET work_mem = '1GB'", DENIED),
    ('temp_file_limit', 'SET temp_file_limit = -1', DENIED),
    ('log_statement', "SET log_statement = 'none'", DENIED),
    ('session_preload_libraries', "SET session_preload_libraries = 'x'", DENIED),
    ('pg_reload_conf', 'SELECT pg_reload_conf()', DENIED),
    ('pg_rotate_logfile', 'SELECT pg_rotate_logfile()', DENIED),
    ('CHECKPOINT', 'CHECKPOINT', DENIED),
    ('pg_switch_wal', 'SELECT pg_switch_wal()', DENIED),
    ('a replication slot', "SELECT pg_create_physical_replication_slot('sayoo_probe')", DENIED + ('55000',)),
    ('dblink', 'CREATE EXTENSION dblink', ABSENT),
    ('postgres_fdw', 'CREATE EXTENSION postgres_fdw', ABSENT),
    ('file_fdw', 'CREATE EXTENSION file_fdw', ABSENT),
    ('adminpack', 'CREATE EXTENSION adminpack', ABSENT),
    ('plpython3u', 'CREATE EXTENSION plpython3u', ABSENT),
    ('a trusted extension', 'CREATE EXTENSION hstore', ABSENT),
    ('a function in C', "CREATE FUNCTION sayoo_f() RETURNS int LANGUAGE c AS 'libc', 'getpid'", DENIED),
    ('an internal function', "CREATE FUNCTION sayoo_f() RETURNS int LANGUAGE internal AS 'pg_backend_pid'", DENIED),
    ('LOAD', "LOAD '/tmp/sayoo.so'", ABSENT),
    ('a subscription', "CREATE SUBSCRIPTION sayoo_s CONNECTION 'host=localhost' PUBLICATION p WITH (connect = false)", DENIED),
    ('a tablespace', "CREATE TABLESPACE sayoo_s LOCATION '/tmp'", DENIED),
    ('a schema', 'CREATE SCHEMA sayoo_probe_schema', DENIED),
    ('its database', 'ALTER DATABASE {database} CONNECTION LIMIT -1', DENIED),
    ('renaming its database', 'ALTER DATABASE {database} RENAME TO sayoo_probe_database', DENIED),
    ('dropping its database', 'DROP DATABASE {database}', DENIED + ('55006',)),
]
# Each must answer with true.
FACTS = [
    ('attributes', 'SELECT NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)'
                   ' FROM pg_roles WHERE rolname = current_user'),
    ('roles of others', "SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname <> current_user AND rolname <> 'public'"
                        " AND pg_has_role(current_user, oid, 'MEMBER'))"),
    ('statements of others', 'SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE usename <> current_user'
                             " AND query NOT IN ('', '<insufficient privilege>'))"),
    ('its database is not its own', 'SELECT NOT pg_has_role(current_user, datdba, \'MEMBER\')'
                                    ' FROM pg_database WHERE datname = current_database()'),
]


class Refused(Exception):
    """The server said no; the argument is its code."""


class Session:
    """One connection with one login."""

    def __init__(self, host, port, role, password, database):
        self.socket = socket.create_connection((host, port), timeout=5)
        try:
            words = b''.join(word.encode() + b'\0' for word in ('user', role, 'database', database)) + b'\0'
            self.socket.sendall(struct.pack('!ii', len(words) + 8, 196608) + words)
            self.log_in(password)
        except BaseException:
            self.socket.close()
            raise

    def send(self, kind, body):
        self.socket.sendall(kind + struct.pack('!i', len(body) + 4) + body)

    def read(self, count):
        data = b''
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise OSError('the server hung up')
            data += part
        return data

    def receive(self):
        kind, length = struct.unpack('!ci', self.read(5))
        body = self.read(length - 4)
        if kind == b'E':
            raise Refused(next(field[1:].decode() for field in body.split(b'\0') if field[:1] == b'C'))
        return kind, body

    def log_in(self, password):
        nonce = secrets.token_hex(12)
        while True:
            kind, body = self.receive()
            if kind == b'Z':
                return
            if kind != b'R':
                continue
            wanted = struct.unpack('!i', body[:4])[0]
            if wanted == 10:
                first = f'n=,r={nonce}'
                hello = f'n,,{first}'.encode()
                self.send(b'p', b'SCRAM-SHA-256\0' + struct.pack('!i', len(hello)) + hello)
            elif wanted == 11:
                words = dict(part.split('=', 1) for part in body[4:].decode().split(','))
                salted = hashlib.pbkdf2_hmac('sha256', password.encode(), base64.b64decode(words['s']), int(words['i']))
                key = hmac.digest(salted, b'Client Key', 'sha256')
                last = f'c=biws,r={words["r"]}'
                signed = f'{first},{body[4:].decode()},{last}'.encode()
                signature = hmac.digest(hashlib.sha256(key).digest(), signed, 'sha256')
                proof = base64.b64encode(bytes(one ^ other for one, other in zip(key, signature))).decode()
                self.send(b'p', f'{last},p={proof}'.encode())
            elif wanted == 3:
                self.send(b'p', password.encode() + b'\0')
            elif wanted not in (0, 12):
                raise OSError(f'a way to log in that is not known: {wanted}')

    def ask(self, statement):
        """The first column of each row; raises what the server refused."""
        self.send(b'Q', statement.encode() + b'\0')
        rows, refused = [], None
        while True:
            try:
                kind, body = self.receive()
            except Refused as error:
                refused = refused or error
                continue
            if kind == b'D':
                length = struct.unpack('!i', body[2:6])[0]
                rows.append(body[6:6 + length].decode(errors='replace') if length >= 0 else None)
            elif kind == b'G':
                self.send(b'f', b'no\0')
            elif kind == b'Z':
                if refused:
                    raise refused
                return rows

    def close(self):
        self.socket.close()


def connects(host, port, role, password, database):
    try:
        Session(host, port, role, password, database).close()
        return True
    except (Refused, OSError):
        return False


def most_connections(where, database):
    """How many connections it gets at once, beside the one it has."""
    held = []
    try:
        while len(held) < MOST_CONNECTIONS:
            held.append(Session(*where, database))
    except (Refused, OSError):
        pass
    for session in held:
        session.close()
    return len(held)


def look_at_database(host, port, role, password, database):
    """What was tried, and what was not refused as it must be."""
    where, wrong, tried = (host, port, role, password), [], 0
    own = Session(*where, database)
    others = own.ask("SELECT datname FROM pg_database WHERE datname <> current_database()"
                     " ORDER BY datname IN ('postgres', 'template1', 'template0') DESC, random() LIMIT 12")
    for other in others:
        tried += 1
        if connects(*where, other):
            wrong.append(f'connects to {other}')
    for name, statement, codes in ATTACKS:
        tried += 1
        try:
            # Whatever succeeds is taken back.
            own.ask(statement.format(database=database) if statement.startswith(('CHECKPOINT', 'CREATE TABLESPACE', 'DROP DATABASE', 'CREATE DATABASE', 'ALTER SYSTEM'))
                    else 'BEGIN; ' + statement.format(database=database))
            wrong.append(name)
        except Refused as error:
            if error.args[0] not in codes:
                wrong.append(f'{name}: {error.args[0]}')
        own.ask('ROLLBACK')
    for name, question in FACTS:
        tried += 1
        if own.ask(question) != ['t']:
            wrong.append(name)
    own.close()
    return {'tried': tried, 'wrong': wrong, 'connections': most_connections(where, database)}
