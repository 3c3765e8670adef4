"""What the benchmarks on three hosts (`bin/lib/benching.sh`) ask of the installation that it started."""
import os
import subprocess
import sys
import time
import uuid

PORT = int(os.environ['PROXY_PORT'])
# Part of every name, so that two runs in one installation do not meet.
RUN = uuid.uuid4().hex[:6]


def sql(text):
    """Returns the lines of an answer of the control database; ends the benchmark when there is none."""
    out = subprocess.run([os.environ['PSQL'], os.environ['DATABASE_URL'], '-qAtX', '-v', 'ON_ERROR_STOP=1', '-c', text],
                         capture_output=True, text=True)
    if out.returncode:
        sys.exit(out.stderr)
    return [line for line in out.stdout.splitlines() if line]


def say(text):
    print(text, file=sys.stderr, flush=True)


def new_project():
    """Makes a customer; returns the ids of its account and project."""
    account, project = str(uuid.uuid4()), str(uuid.uuid4())
    sql(f"INSERT INTO accounts VALUES ('{account}', 'Bench', 'EUR', 'FR', 'Europe/Paris', 'active', now());"
        f"INSERT INTO projects VALUES ('{project}', '{account}', 'Bench', now())")
    return account, project


def order(name, account, project):
    """Orders the smallest instance there is, for production."""
    sql(f"""BEGIN;
    INSERT INTO environments (id, account_id, project_id, kind, name, plan_version_id, wanted, company, language, country, currency
        , timezone, apps, admin_email, admin_name, order_key, status_since, created_at)
    SELECT gen_random_uuid(), '{account}', '{project}', 'production', '{name}'
        , (SELECT id FROM plan_versions WHERE state = 'published' ORDER BY memory_mb LIMIT 1), 'running', 'Bench', 'fr_FR', 'FR', 'EUR'
        , 'Europe/Paris', '{{}}', 'bench@example.com', 'Bench', gen_random_uuid(), now(), now();
    INSERT INTO subdomains (name, environment_id, account_id) SELECT '{name}', id, '{account}' FROM environments WHERE name = '{name}';
    SELECT pg_notify('work', '');
    COMMIT""")


def until(what, limit, check):
    """Waits at most `limit` seconds until `check` says yes; ends the benchmark when it never does."""
    began = time.monotonic()
    while not check():
        if time.monotonic() - began > limit:
            sys.exit(f'bench: {what}: not within {limit} s: {sql("SELECT task, last_error FROM turns WHERE last_error IS NOT NULL")}')
        time.sleep(0.25)
