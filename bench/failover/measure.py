#!/usr/bin/env python3
"""Orders instances, takes hosts off the network one after the other, and measures how long each instance does not answer.

The clock runs from the cut to the first good answer of the login page through the proxy, asked four times a second.
"""
import http.client
import json
import os
import subprocess
import sys
import threading
import time
import uuid

ROUNDS = int(os.environ.get('BENCH_ROUNDS', '6'))
INSTANCES = int(os.environ.get('BENCH_INSTANCES', '4'))
HOSTS, PORT = os.environ['HOSTS'], int(os.environ['PROXY_PORT'])
RUN = uuid.uuid4().hex[:6]
LIMIT_P95_S = 35.0


def sql(text):
    out = subprocess.run([os.environ['PSQL'], os.environ['DATABASE_URL'], '-qAtX', '-v', 'ON_ERROR_STOP=1', '-c', text],
                         capture_output=True, text=True)
    if out.returncode:
        sys.exit(out.stderr)
    return [line for line in out.stdout.splitlines() if line]


def hosts(*words):
    subprocess.run([HOSTS, *words], check=True, stdout=sys.stderr)


def say(text):
    print(text, file=sys.stderr, flush=True)


def order(name, account, project):
    sql(f"""BEGIN;
    INSERT INTO environments (id, account_id, project_id, kind, name, plan_version_id, wanted, company, language, country, currency
        , timezone, apps, admin_email, admin_name, order_key, status_since, created_at)
    SELECT gen_random_uuid(), '{account}', '{project}', 'production', '{name}'
        , (SELECT id FROM plan_versions WHERE state = 'published' ORDER BY memory_mb LIMIT 1), 'running', 'Bench', 'fr_FR', 'FR', 'EUR'
        , 'Europe/Paris', '{{}}', 'bench@example.com', 'Bench', gen_random_uuid(), now(), now();
    INSERT INTO subdomains (name, environment_id, account_id) SELECT '{name}', id, '{account}' FROM environments WHERE name = '{name}';
    SELECT pg_notify('work', '');
    COMMIT""")


def good(name):
    """Whether the login page of an instance answers, through the proxy."""
    connection = http.client.HTTPConnection('127.0.0.1', PORT, timeout=2)
    try:
        connection.request('GET', '/web/login', headers={'Host': f'{name}.localhost:{PORT}', 'Accept': 'application/json'})
        answer = connection.getresponse()
        return answer.status == 200 and b'oe_login_form' in answer.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def until(what, limit, check):
    began = time.monotonic()
    while not check():
        if time.monotonic() - began > limit:
            sys.exit(f'bench: {what}: not within {limit} s: {sql("SELECT task, last_error FROM turns WHERE last_error IS NOT NULL")}')
        time.sleep(0.25)


def where(name):
    return sql(f"""SELECT hosts.name FROM runtimes JOIN hosts ON hosts.id = runtimes.host_id
        JOIN environments ON environments.id = runtimes.environment_id WHERE environments.name = '{name}'""")[0]


def main():
    account, project = str(uuid.uuid4()), str(uuid.uuid4())
    sql(f"INSERT INTO accounts VALUES ('{account}', 'Bench', 'EUR', 'FR', 'Europe/Paris', 'active', now());"
        f"INSERT INTO projects VALUES ('{project}', '{account}', 'Bench', now())")
    names = [f'fail{RUN}{number}' for number in range(INSTANCES)]
    for name in names:
        order(name, account, project)
    for name in names:
        until(f'{name} answers', 300, lambda name=name: good(name))
    say(f'{INSTANCES} instances run on {sorted({where(name) for name in names})}')

    waits = []
    for number in range(ROUNDS):
        lost = f'host-{2 + number % 2}'
        there = [name for name in names if where(name) == lost]
        if not there:
            continue
        hosts('cut', lost[-1])
        cut = time.monotonic()
        lock = threading.Lock()

        def follow(name):
            # The proxy may still have a connection that seems to live: only what answers from another host counts.
            while True:
                if where(name) != lost and good(name):
                    with lock:
                        waits.append(time.monotonic() - cut)
                    return
                if time.monotonic() - cut > 180:
                    with lock:
                        waits.append(180.0)
                    return
                time.sleep(0.25)

        threads = [threading.Thread(target=follow, args=(name,)) for name in there]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        say(f'round {number + 1}: {lost} lost with {len(there)}: back after {[round(wait, 1) for wait in waits[-len(there):]]} s')
        hosts('mend', lost[-1])
        until(f'{lost} is used again', 120, lambda: sql(f"SELECT state FROM hosts WHERE name = '{lost}'") == ['active'])
    waits.sort()
    p95 = waits[min(len(waits) - 1, int(len(waits) * 0.95))] if waits else 180.0
    result = {
        'bench': 'failover', 'image': os.environ['IMAGE'], 'losses': len(waits),
        'single_p50_s': round(waits[len(waits) // 2], 1) if waits else None,
        'single_p95_s': round(p95, 1), 'single_max_s': round(waits[-1], 1) if waits else None,
        # Environments have one container each: there is nothing replicated to count yet.
        'replicated_failed': None,
        'pass': bool(waits) and p95 <= LIMIT_P95_S,
    }
    print(json.dumps(result))
    return 0 if result['pass'] else 1


if __name__ == '__main__':
    sys.exit(main())
