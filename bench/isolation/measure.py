#!/usr/bin/env python3
"""Orders an attacker and a neighbour, lets one bomb after the other go off, and asks the neighbour for its login page meanwhile.

The neighbour is asked at a steady pace, whatever it answers; before each bomb for as long as during it, so that what else the
machine does counts on both sides.
"""
import http.client
import json
import os
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, 'bin/lib')
from benching import PORT, RUN, new_project, order, say, sql, until

SECONDS = float(os.environ.get('BENCH_SECONDS', '20'))
ROUNDS = int(os.environ.get('BENCH_ROUNDS', '2'))
IN_CONTAINER = ['fork', 'memory', 'disk', 'log', 'files', 'inodes', 'cpu', 'read', 'packets']
IN_DATABASE = ['pg_sleep', 'pg_idle', 'pg_sort', 'pg_notify', 'pg_cpu']
ATTACKS = (os.environ.get('BENCH_ATTACKS') or ' '.join(IN_CONTAINER + IN_DATABASE)).split()
DATA, IMAGE = os.environ['BENCH_POSTGRES_DATA'], os.environ['IMAGE']
# What cannot be undercut: beside each round the same is measured with a container that only uses half a core, without anything of ours.
FLOOR = 'floor'
VISITORS, PAUSE = 4, 0.2
# An attack's p99 is at most this times what it was in the quiet before it, or this times as much longer as the floor's: what a
# plain container with half a core does on few processors, no protection of ours undercuts.
OF_QUIET, OF_FLOOR = 1.5, 1.1
# On the disk, by what is in containers; and by sorts in the database: `[tenants] temporary_gb` and what is written until the worker looks.
DISK_MB_AT_MOST, SORTS_MB_AT_MOST = 300, 6 * 1024
with open('bench/isolation/bombs.py', encoding='utf-8') as file:
    BOMBS = file.read()


def docker(*words, **options):
    return subprocess.run(['docker', *words], capture_output=True, text=True, **options).stdout.strip()


def containers(name, *more):
    runtime = sql(f"SELECT id FROM runtimes WHERE environment_id = (SELECT id FROM environments WHERE name = '{name}')")[0]
    return docker('ps', '--no-trunc', '-q', *more, '--filter', f'label=sayoo.runtime={runtime}').split()


class Visitors:
    """Clients that begin a request every so often. Late answers do not hold up the next question of another one."""

    def __init__(self, name):
        self.name, self.times, self.failed, self.stop = name, [], 0, threading.Event()
        # Each answer's time, and when it was asked for.
        self.slow, self.began = [], time.monotonic()
        self.threads = [threading.Thread(target=self.run, args=(number,), daemon=True) for number in range(VISITORS)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        time.sleep(PAUSE * number / VISITORS)
        connection = None
        due = time.monotonic()
        while not self.stop.is_set():
            began = time.monotonic()
            try:
                connection = connection or http.client.HTTPConnection('127.0.0.1', PORT, timeout=30)
                connection.request('GET', '/web/login', headers={'Host': f'{self.name}.localhost:{PORT}'})
                response = connection.getresponse()
                response.read()
                is_good = response.status == 200
                if response.will_close:
                    connection = None
            except (OSError, http.client.HTTPException):
                is_good, connection = False, None
            self.times.append(time.monotonic() - began)
            self.slow.append((self.times[-1], began - self.began))
            self.failed += not is_good
            due = max(due + PAUSE, time.monotonic())
            self.stop.wait(max(0, due - time.monotonic()))

    def leave(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        if os.environ.get('BENCH_VERBOSE'):
            say('slowest: ' + ', '.join(f'{took * 1000:.0f} ms at {at:.1f} s' for took, at in sorted(self.slow)[-8:]))
        return sorted(self.times), self.failed


def centile(times, part):
    return times[min(len(times) - 1, int(len(times) * part))]


def visit(name, seconds):
    visitors = Visitors(name)
    time.sleep(seconds)
    return visitors.leave()


def taken_mb(name):
    """What an instance takes on disks: its containers' own layers and logs (those that ended too), its sorts' files."""
    paths = [os.path.join(DATA, 'base/pgsql_tmp'), os.path.join(DATA, 'pg_notify')]
    for one in containers(name, '--all'):
        seen = docker('inspect', one, '--format', '{{.GraphDriver.Data.UpperDir}} {{.LogPath}}').split()
        paths += [path if index == 0 else os.path.dirname(path) for index, path in enumerate(seen)]
    total = 0
    for path in paths:
        for folder, _, names in os.walk(path):
            for one in names:
                try:
                    total += os.lstat(os.path.join(folder, one)).st_blocks * 512
                except OSError:
                    pass
    return total / 1e6


def busy_ms():
    """Processor time of the daemon and what it starts for each container, in milliseconds."""
    total = 0
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
                name, rest = file.read().rsplit(')', 1)
        except OSError:
            continue
        if name.split('(')[1] in ('dockerd', 'containerd', 'containerd-shim'):
            total += sum(int(word) for word in rest.split()[11:13])
    return total * 10


def kills(one):
    """How often the kernel ended something in a container because it took too much memory."""
    for path in (f'/sys/fs/cgroup/memory/docker/{one}/memory.oom_control', f'/sys/fs/cgroup/system.slice/docker-{one}.scope/memory.events'):
        try:
            with open(path, encoding='utf-8') as file:
                return sum(int(line.split()[1]) for line in file if line.startswith('oom_kill '))
        except OSError:
            continue
    return 0


def plain_work():
    """What the attacker's plan gives it, used up by one process in a container that has nothing of ours."""
    return subprocess.Popen(['docker', 'run', '--rm', '-i', '--cpus', os.environ.get('BENCH_FLOOR_CPUS', '0.5'), '--entrypoint', '/usr/bin/python3', IMAGE,
                             '-', 'plain', str(SECONDS + 1)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)


def explode(attacker, attack):
    if attack == FLOOR:
        return plain_work()
    return subprocess.Popen(['docker', 'exec', '-i', containers(attacker)[0], '/usr/bin/python3', '-', attack, str(SECONDS + 1)], stdin=subprocess.PIPE,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE if os.environ.get('BENCH_VERBOSE') else subprocess.DEVNULL, text=True)


def serves(name):
    connection = http.client.HTTPConnection('127.0.0.1', PORT, timeout=10)
    try:
        connection.request('GET', '/web/login', headers={'Host': f'{name}.localhost:{PORT}'})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def calm(attacker):
    """A new container for the next bomb."""
    for one in containers(attacker):
        docker('kill', one)
    until('the attacker serves again', 180, lambda: containers(attacker) and serves(attacker))
    time.sleep(2)


def try_out(attack, attacker, neighbour):
    visit(neighbour, 2)
    before, failed_before = visit(neighbour, SECONDS)
    disk, [victim], at_work = taken_mb(attacker), containers(neighbour), busy_ms()
    ended = kills(victim)
    bomb = explode(attacker, attack)
    threading.Thread(target=lambda: (bomb.stdin.write(BOMBS), bomb.stdin.close()), daemon=True).start()
    time.sleep(1)
    most, stop = [disk], threading.Event()

    def watch():
        while not stop.wait(2):
            most.append(taken_mb(attacker))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    during, failed = visit(neighbour, SECONDS - 1)
    # One that could not even begin proves nothing; one that the kernel ended for what it took does.
    if bomb.poll() in (1, 2):
        sys.exit(f'bench: the bomb {attack} does not go off')
    at_work = busy_ms() - at_work
    stop.set()
    watcher.join()
    most.append(taken_mb(attacker))
    is_same = containers(neighbour) == [victim]
    ended = kills(victim) - ended if is_same else 1
    calm(attacker)
    bomb.kill()
    if bomb.stderr:
        say(bomb.stderr.read()[-2000:])
    found = {
        'attack': attack, 'requests': len(during), 'failed': failed, 'failed_before': failed_before,
        'p50_ms': [round(centile(times, 0.5) * 1000, 1) for times in (before, during)],
        'p99_ms': [round(centile(times, 0.99) * 1000, 1) for times in (before, during)],
        'ratio': round(centile(during, 0.99) / centile(before, 0.99), 2),
        'oom': ended, 'disk_mb': round(max(most) - disk), 'daemon_cores': round(at_work / SECONDS / 1000, 2),
    }
    say(json.dumps(found))
    return found


def main():
    account, project = new_project()
    attacker, neighbour = f'bad{RUN}', f'good{RUN}'
    order(attacker, account, project)
    order(neighbour, account, project)
    # The hostile one has the largest plan that there is.
    for name in (attacker, neighbour):
        until(f'{name} serves', 300, lambda: serves(name))
    tried = [try_out(attack, attacker, neighbour) for _ in range(ROUNDS) for attack in [FLOOR, *ATTACKS]]
    def median(of, what):
        return round(statistics.median(what(one) for one in of), 2)

    by_attack = {attack: [one for one in tried if one['attack'] == attack] for attack in [FLOOR, *ATTACKS]}
    floor = median(by_attack[FLOOR], lambda one: one['ratio'])
    bar = max(OF_QUIET, round(OF_FLOOR * floor, 2))
    attacks = {}
    for attack in ATTACKS:
        of = by_attack[attack]
        ratio = median(of, lambda one: one['ratio'])
        attacks[attack] = {'p99_ms': median(of, lambda one: one['p99_ms'][1]), 'p99_ratio': ratio, 'pass': ratio <= bar,
                           'disk_mb': max(one['disk_mb'] for one in of), 'failed': sum(one['failed'] for one in of),
                           'daemon_cores': max(one['daemon_cores'] for one in of)}
    rounds = [one for one in tried if one['attack'] != FLOOR]
    disk = max((one['disk_mb'] for one in rounds if one['attack'] in IN_CONTAINER), default=0)
    sorts = max((one['disk_mb'] for one in rounds if one['attack'] in IN_DATABASE), default=0)
    oom, failed = sum(one['oom'] for one in rounds), sum(one['failed'] for one in rounds)
    is_met = all(one['pass'] for one in attacks.values())
    print(json.dumps({'bench': 'isolation', 'attacks': attacks, 'quiet_p99_ms': median(tried, lambda one: one['p99_ms'][0]),
                      'floor_p99_ms': median(by_attack[FLOOR], lambda one: one['p99_ms'][1]), 'floor_p99_ratio': floor, 'bar_p99_ratio': bar,
                      'neighbour_p99_ratio': max(one['p99_ratio'] for one in attacks.values()), 'neighbour_failed': failed, 'neighbour_oom': oom,
                      'disk_growth_mb': disk, 'sorts_disk_mb': sorts,
                      'pass': is_met and oom == 0 and failed == 0 and disk <= DISK_MB_AT_MOST and sorts <= SORTS_MB_AT_MOST}))


main()
