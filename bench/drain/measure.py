#!/usr/bin/env python3
"""Orders instances on one host, empties it while somebody uses each of them, and counts what fails on the way.

Each instance has two visitors with connections that stay open: one asks for the login page again and again, the other posts
a body and wants to have it answered. Every request must be answered below 400, in time, and by the instance it was for.
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

INSTANCES = int(os.environ.get('BENCH_INSTANCES', '20'))
PAUSE = float(os.environ.get('BENCH_PAUSE_S', '0.5'))
FROM = 'host-2'
# A start and a wait for the last request, three at a time, on a busy machine.
LIMIT_S = 900
MOVES_AT_ONCE = 3


def sayoo(*words):
    subprocess.run([os.environ['SAYOO_BIN'], *words], check=True, stdout=sys.stderr)


class Visitor(threading.Thread):
    """Asks one instance again and again."""

    stop = threading.Event()
    lock = threading.Lock()
    count, failed = 0, {}

    def __init__(self, name, body=None):
        super().__init__(daemon=True)
        self.site, self.body = name, body

    def ask(self, connection):
        headers = {'Host': f'{self.site}.localhost:{PORT}'}
        if self.body is None:
            connection.request('GET', '/web/login', headers=headers)
        else:
            connection.request('POST', '/web/session/authenticate', self.body, {**headers, 'Content-Type': 'application/json'})
        answer = connection.getresponse()
        said = answer.read()
        mark = b'oe_login_form' if self.body is None else b'jsonrpc'
        wrong = None if answer.status < 400 and mark in said else f'{self.site} {answer.status} {said[:80]!r}'
        return wrong, answer.will_close

    def run(self):
        connection = None
        while not self.stop.is_set():
            is_over = True
            try:
                connection = connection or http.client.HTTPConnection('127.0.0.1', PORT, timeout=60)
                wrong, is_over = self.ask(connection)
            except (OSError, http.client.HTTPException) as error:
                wrong = f'{self.site} {error!r}'
            if is_over:
                connection = None
            with Visitor.lock:
                Visitor.count += 1
                if wrong:
                    Visitor.failed[wrong] = Visitor.failed.get(wrong, 0) + 1
            self.stop.wait(PAUSE)


def main():
    account, project = new_project()
    names = [f'drain{RUN}{number}' for number in range(INSTANCES)]
    for name in names:
        order(name, account, project)
    running = "SELECT count(*) FROM environments WHERE status = 'running'"
    until(f'{INSTANCES} instances run', 600, lambda: sql(running) == [str(INSTANCES)])
    host = sql(f"SELECT id FROM hosts WHERE name = '{FROM}'")[0]
    there = f"SELECT (SELECT count(*) FROM runtimes WHERE host_id = '{host}' AND state <> 'gone')"
    if sql(there) != [str(INSTANCES)]:
        sys.exit(f'bench: not all instances are on {FROM}')
    say(f'{INSTANCES} instances run on {FROM}')
    sayoo('host', 'uncordon', 'host-3')
    sent = json.dumps({'jsonrpc': '2.0', 'method': 'call', 'params': {'db': 'x', 'login': 'x', 'password': 'x' * 20_000}}).encode()
    visitors = [Visitor(name, body) for name in names for body in (None, sent)]
    for visitor in visitors:
        visitor.start()
    time.sleep(3)
    began = time.monotonic()
    sayoo('host', 'drain', FROM, '--reason', 'the benchmark')
    at_once, left = 0, INSTANCES
    # Who has two containers, or one that is not where it should be.
    moving = "SELECT count(*) FROM environment_updates WHERE ended_at IS NULL"
    while time.monotonic() - began < LIMIT_S:
        at_once = max(at_once, int(sql(moving)[0]))
        left = int(sql(f"{there} + (SELECT count(*) FROM environment_updates WHERE host_id = '{host}')")[0])
        if left == 0:
            break
        time.sleep(0.2)
    took = time.monotonic() - began
    time.sleep(3)
    Visitor.stop.set()
    for visitor in visitors:
        visitor.join()
    for what, count in sorted(Visitor.failed.items(), key=lambda item: -item[1])[:10]:
        say(f'wrong: {count} x {what}')
    moved = int(sql(f"SELECT count(*) FROM runtimes WHERE host_id <> '{host}' AND environment_id IS NOT NULL AND state = 'ready'")[0])
    failed = sum(Visitor.failed.values())
    result = {
        'bench': 'drain', 'image': os.environ['IMAGE'], 'instances': INSTANCES, 'requests': Visitor.count, 'failed': failed,
        'moved': moved, 'left': left, 'at_once_max': at_once, 'took_s': round(took, 1),
        'pass': failed == 0 and moved == INSTANCES and left == 0 and 1 <= at_once <= MOVES_AT_ONCE,
    }
    print(json.dumps(result))
    return 0 if result['pass'] else 1


if __name__ == '__main__':
    sys.exit(main())
