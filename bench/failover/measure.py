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

sys.path.insert(0, 'bin/lib')
from benching import PORT, RUN, new_project, order, say, sql, until

ROUNDS = int(os.environ.get('BENCH_ROUNDS', '6'))
INSTANCES = int(os.environ.get('BENCH_INSTANCES', '4'))
HOSTS = os.environ['HOSTS']
LIMIT_P95_S = 35.0


def hosts(*words):
    subprocess.run([HOSTS, *words], check=True, stdout=sys.stderr)


def good(name, timeout=2):
    """Whether the login page of an instance answers, through the proxy."""
    connection = http.client.HTTPConnection('127.0.0.1', PORT, timeout=timeout)
    try:
        connection.request('GET', '/web/login', headers={'Host': f'{name}.localhost:{PORT}', 'Accept': 'application/json'})
        answer = connection.getresponse()
        return answer.status == 200 and b'oe_login_form' in answer.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class Visitors:
    """Clients of one instance that never pause; every failed request is kept with the moment at which it began."""

    def __init__(self, name, count=4):
        self.name, self.asked, self.failed, self.stop, self.lock = name, 0, [], threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self.ask, daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def ask(self):
        while not self.stop.is_set():
            began = time.monotonic()
            is_good = good(self.name, timeout=30)
            with self.lock:
                self.asked += 1
                if not is_good:
                    self.failed.append(began)

    def leave(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def where(name):
    return sql(f"""SELECT hosts.name FROM runtimes JOIN hosts ON hosts.id = runtimes.host_id
        JOIN environments ON environments.id = runtimes.environment_id WHERE environments.name = '{name}'""")[0]


def machines(name):
    """The machines to whose containers an instance's name leads."""
    return sql(f"""SELECT DISTINCT hosts.name FROM routes JOIN environments ON environments.id = routes.environment_id
        , unnest(routes.upstreams) AS upstream JOIN hosts ON hosts.upstream_address = split_part(upstream, ':', 1)
        WHERE environments.name = '{name}' AND routes.state = 'serving' ORDER BY 1""")


def main():
    account, project = new_project()
    names = [f'fail{RUN}{number}' for number in range(INSTANCES)]
    for name in names:
        order(name, account, project)
    for name in names:
        until(f'{name} answers', 300, lambda name=name: good(name))
    # One more, in two containers: what its visitors lose is what was under way on the lost machine.
    twice = f'twice{RUN}'
    order(twice, account, project)
    sql(f"""UPDATE environments SET replicas = 2, plan_version_id = (SELECT id FROM plan_versions
        WHERE state = 'published' AND max_replicas > 1 ORDER BY memory_mb LIMIT 1) WHERE name = '{twice}'; SELECT pg_notify('work', '')""")
    until(f'{twice} answers from two machines', 300, lambda: len(machines(twice)) == 2 and good(twice))
    twice_losses, twice_asked, twice_failed, twice_late = 0, 0, 0, 0
    say(f'{INSTANCES} instances run on {sorted({where(name) for name in names})}')

    waits = []
    for number in range(ROUNDS):
        lost = f'host-{2 + number % 2}'
        there = [name for name in names if where(name) == lost]
        is_replicated = lost in machines(twice)
        if not there and not is_replicated:
            continue
        visitors = Visitors(twice)
        time.sleep(2)
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
        until(f'{twice} no longer leads to {lost}', 120, lambda: lost not in machines(twice))
        visitors.leave()
        if is_replicated:
            twice_losses += 1
            twice_asked += visitors.asked
            twice_failed += len(visitors.failed)
            twice_late += sum(began > cut for began in visitors.failed)
            say(f'round {number + 1}: in two containers: {len(visitors.failed)} of {visitors.asked} requests failed')
        say(f'round {number + 1}: {lost} lost with {len(there)}: back after {[round(wait, 1) for wait in waits[-len(there):]]} s')
        hosts('mend', lost[-1])
        until(f'{lost} is used again', 120, lambda: sql(f"SELECT state FROM hosts WHERE name = '{lost}'") == ['active'])
        until(f'{twice} has two containers again', 300, lambda: len(machines(twice)) == 2)
    waits.sort()
    p95 = waits[min(len(waits) - 1, int(len(waits) * 0.95))] if waits else 180.0
    result = {
        'bench': 'failover', 'image': os.environ['IMAGE'], 'losses': len(waits),
        'single_p50_s': round(waits[len(waits) // 2], 1) if waits else None,
        'single_p95_s': round(p95, 1), 'single_max_s': round(waits[-1], 1) if waits else None,
        # Of an instance in two containers: all that failed, and those of them that began after the machine was lost.
        'replicated_losses': twice_losses, 'replicated_requests': twice_asked,
        'replicated_failed': twice_failed, 'replicated_failed_later': twice_late,
        'pass': bool(waits) and p95 <= LIMIT_P95_S and twice_losses > 0 and twice_late == 0,
    }
    print(json.dumps(result))
    return 0 if result['pass'] else 1


if __name__ == '__main__':
    sys.exit(main())
