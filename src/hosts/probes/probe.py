"""Says in one line of JSON what a container may do, seen from inside. Judged by judge.rs; changes nothing.

Arguments: WHAT=HOST:PORT, addresses to which a connection is tried. The host `gateway` is the container's own.
SAYOO_PROBE_DATABASE: host, port, role, password and name of a database that is there for the probe.
"""
import errno
import ipaddress
import json
import os
import re
import select
import socket
import stat
import sys
import threading
import time

# Long enough for a machine in the same room; what is silent for that long is behind a filter, or not there.
PATIENCE = 1.5
# More than any limit that we set.
MOST_TASKS = 2000
CHUNK = 1 << 20
# Without a limit no more than this is taken twice: the machine has other work.
MOST_MEMORY = 256 << 20
# A worker that reads slowly finds the line still there.
STAYS = 120
# What every container has by itself; where /sbin is a link, Docker's own init stands behind it.
USUAL_MOUNTS = re.compile(r'/|/(proc|sys|dev)(/.*)?|/tmp|/etc/(resolv\.conf|hostname|hosts)|/run/secrets(/.*)?|(/usr)?/sbin/docker-init')
USUAL_DEVICES = {'null', 'zero', 'full', 'random', 'urandom', 'tty', 'console', 'ptmx'}
SOCKETS = ('/var/run/docker.sock', '/run/docker.sock', '/run/containerd/containerd.sock', '/run/podman/podman.sock')
MASKED = ('/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/timer_stats', '/proc/sched_debug',
          '/proc/acpi', '/proc/asound', '/proc/scsi', '/sys/firmware')
PLACES = ('/', '/etc', '/home', '/opt', '/root', '/run', '/srv', '/usr', '/var', '/var/lib', '/var/tmp', '/sys/fs/cgroup')


def text(path):
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()
    except OSError:
        return ''


def status():
    lines = (line.partition(':') for line in text('/proc/self/status').splitlines())
    return {name: value.strip() for name, _, value in lines}


def mounts():
    """Target, options and the place on the file system of each mount."""
    for line in text('/proc/self/mountinfo').splitlines():
        before, _, after = line.partition(' - ')
        words, kind = before.split(), after.split()
        yield {'target': words[4], 'root': words[3], 'kind': kind[0], 'options': (words[5] + ',' + kind[-1]).split(',')}


def is_writable(folder):
    path = os.path.join(folder, '.sayoo-probe-%d' % os.getpid())
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600))
        os.unlink(path)
        return True
    except OSError:
        return False


def runs_programs(folder):
    path = os.path.join(folder, '.sayoo-probe-run')
    try:
        with open(path, 'w', encoding='ascii') as file:
            file.write('#!/bin/true\n')
        os.chmod(path, 0o700)
        # The kernel looks at the mount's flags before it looks at the program.
        runs = os.access(path, os.X_OK)
        os.unlink(path)
        return runs
    except OSError:
        return False


def limit(*paths):
    """The first of these limits of the control group that can be read; None for none."""
    for path in paths:
        found = text(path).strip()
        if found.isdigit():
            return int(found)
        if found:
            return None
    return None


def limits():
    group = '/sys/fs/cgroup'
    memory = limit(f'{group}/memory.max', f'{group}/memory/memory.limit_in_bytes')
    both = limit(f'{group}/memory/memory.memsw.limit_in_bytes')
    swap = limit(f'{group}/memory.swap.max')
    if swap is None and both is not None and memory is not None:
        swap = both - memory
    machine = re.search(r'SwapTotal:\s*(\d+)', text('/proc/meminfo'))
    return {
        'processes': limit(f'{group}/pids.max', f'{group}/pids/pids.max'),
        'memory': memory,
        'swap': swap,
        'machine_swap': int(machine.group(1)) * 1024 if machine else 0,
    }


def cpu_millis():
    group = '/sys/fs/cgroup'
    words = text(f'{group}/cpu.max').split() or [text(f'{group}/cpu/cpu.cfs_quota_us').strip(), text(f'{group}/cpu/cpu.cfs_period_us').strip()]
    if len(words) == 2 and words[0].isdigit() and words[1].isdigit():
        return int(words[0]) * 1000 // int(words[1])
    return None


def most_tasks():
    """How many processes or threads there may be: they are begun until the kernel says no."""
    threading.stack_size(65536)
    end, begun = threading.Event(), []
    try:
        while len(begun) < MOST_TASKS:
            one = threading.Thread(target=end.wait)
            one.start()
            begun.append(one)
    except RuntimeError:
        pass
    end.set()
    for one in begun:
        one.join()
    return len(begun) + 1


def most_memory(limit):
    """How many bytes a process could take before it was ended; nothing when it could take twice its limit."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            # This one is to be ended, and nobody else.
            with open('/proc/self/oom_score_adj', 'w', encoding='ascii') as file:
                file.write('1000')
            held = []
            for count in range(1, 2 * limit // CHUNK + 1):
                held.append(bytearray(os.urandom(4096)) * (CHUNK // 4096))
                os.write(write, b'.')
            os.write(write, b'!')
        except MemoryError:
            pass
        os._exit(0)
    os.close(write)
    taken, part = b'', b'.'
    while part:
        part = os.read(read, 65536)
        taken += part
    os.close(read)
    os.waitpid(child, 0)
    return None if taken.endswith(b'!') else len(taken) * CHUNK


def disk():
    """The disk on which Docker keeps containers and images: the container's own root is a part of it."""
    found = os.statvfs('/')
    return {'all': (found.f_blocks - found.f_bfree + found.f_bavail) * found.f_frsize, 'free': found.f_bavail * found.f_frsize}


def with_swap(bounds):
    swap = bounds['machine_swap'] if bounds['swap'] is None else min(bounds['swap'], bounds['machine_swap'])
    return bounds['memory'] + swap if bounds['memory'] else MOST_MEMORY


def database(way_out):
    words = os.environ.get('SAYOO_PROBE_DATABASE', '').split()
    if len(words) != 5:
        return None
    host, port, role, password, name = words
    try:
        return look_at_database(way_out if host == 'gateway' else host, int(port), role, password, name)
    except (Refused, OSError) as error:
        return {'tried': 0, 'wrong': [], 'connections': 0, 'failure': str(error)}


def devices():
    found = []
    for name in sorted(os.listdir('/dev')):
        try:
            mode = os.lstat('/dev/' + name).st_mode
        except OSError:
            continue
        if (stat.S_ISBLK(mode) or stat.S_ISCHR(mode)) and name not in USUAL_DEVICES:
            found.append('/dev/' + name)
    return found[:8]


def is_masked(path):
    """A masked file is /dev/null; a masked folder is empty. What the kernel lacks needs no mask."""
    try:
        mode = os.stat(path).st_mode
        return not os.listdir(path) if stat.S_ISDIR(mode) else stat.S_ISCHR(mode)
    except OSError:
        return True


def gateway():
    for line in text('/proc/net/route').splitlines()[1:]:
        words = line.split()
        if words[1] == '00000000':
            return str(ipaddress.ip_address(bytes.fromhex(words[2])[::-1]))
    return None


def own_address(way_out):
    # Nothing is sent: the kernel only chooses a way.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as chooser:
        chooser.connect((way_out, 9))
        return chooser.getsockname()[0]


def neighbours(way_out):
    """The first addresses of the network that all containers of this machine share."""
    if not way_out:
        return []
    own = own_address(way_out)
    network = ipaddress.ip_network(own + '/24', strict=False)
    return [str(host) for host in network.hosts() if str(host) not in (own, way_out)]


def reach(addresses):
    """Tries all at once: open, refused (something is there and says no), or silent."""
    found, waiting = {}, {}
    poll = select.poll()
    for host, port in addresses:
        try:
            kind, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            one = socket.socket(kind, socket.SOCK_STREAM)
            one.setblocking(False)
            code = one.connect_ex(where)
        except OSError:
            found[host, port] = 'silent'
            continue
        if code not in (0, errno.EINPROGRESS):
            found[host, port] = 'refused' if code == errno.ECONNREFUSED else 'silent'
            one.close()
            continue
        waiting[one.fileno()] = ((host, port), one)
        poll.register(one, select.POLLOUT)
    end = time.monotonic() + PATIENCE
    while waiting and time.monotonic() < end:
        for number, _ in poll.poll(max(1, int((end - time.monotonic()) * 1000))):
            address, one = waiting.pop(number)
            code = one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            found[address] = {0: 'open', errno.ECONNREFUSED: 'refused'}.get(code, 'silent')
            poll.unregister(one)
            one.close()
    for address, one in waiting.values():
        found[address] = 'silent'
        one.close()
    return found


def main(arguments):
    way_out = gateway()
    targets = []
    for argument in arguments:
        what, _, address = argument.partition('=')
        host, _, port = address.rpartition(':')
        host = host.strip('[]')
        host = way_out if host == 'gateway' else host
        if host:
            targets.append((what, host, int(port)))
    beside = [(host, 8069) for host in neighbours(way_out)]
    reached = reach({(host, port) for _, host, port in targets} | set(beside))
    own, all_mounts = status(), list(mounts())
    tmp = next((mount for mount in all_mounts if mount['target'] == '/tmp'), None)
    strange = [mount for mount in all_mounts if not USUAL_MOUNTS.fullmatch(mount['target'])]
    places = list(PLACES) + [mount['target'] for mount in strange]
    size = os.statvfs('/tmp') if tmp else None
    bounds = limits()
    facts = {
        'user': os.getuid(),
        'capabilities': [own.get('CapEff', ''), own.get('CapPrm', ''), own.get('CapBnd', '')],
        'no_new_privileges': own.get('NoNewPrivs') == '1',
        'seccomp': own.get('Seccomp') == '2',
        'writable': [place for place in places if is_writable(place)],
        'tmp': {
            'is_memory': tmp['kind'] == 'tmpfs',
            'options': [word for word in ('noexec', 'nosuid', 'nodev') if word in tmp['options']],
            'bytes': size.f_blocks * size.f_frsize,
            'is_writable': is_writable('/tmp'),
            'runs_programs': runs_programs('/tmp'),
        } if tmp else None,
        'limits': bounds,
        'bombs': {
            'tasks': most_tasks(),
            'memory': most_memory(min(with_swap(bounds), MOST_MEMORY)),
            'cpu_millis': cpu_millis(),
        },
        'database': database(way_out),
        'disk': disk(),
        'is_root_of_machine': text('/proc/self/uid_map').split()[:2] == ['0', '0'],
        'mounts': ['%s on %s' % (mount['root'], mount['target']) for mount in strange if '/volumes/' not in mount['root']],
        'devices': devices(),
        'sockets': [path for path in SOCKETS if os.path.exists(path)],
        'unmasked': [path for path in MASKED if not is_masked(path)],
        'neighbours': [f'{host} {reached[host, port]}' for host, port in beside if reached[host, port] != 'silent'][:8],
        'reached': [[what, f'{host}:{port}', reached[host, port]] for what, host, port in targets],
    }
    print(json.dumps(facts, separators=(',', ':')), flush=True)


main(sys.argv[1:])
time.sleep(STAYS)
