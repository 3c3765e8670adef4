"""The first process of a container: ends children that nobody waits for, and lets no more of the log through than fits.

What a container writes is read by Docker's daemon, whose work counts for nobody: a flood would take a core from all instances
of the machine. Here it is the container's own processor time that a flood takes. This process cannot be looked into by others
of the same user, so none of them gets hold of the way to the daemon.
"""
import ctypes
import os
import select
import signal
import time

PR_SET_DUMPABLE = 4
# Some ten thousand lines a second in the long run, and what an upgrade writes at once.
BYTES_PER_SECOND, BYTES_AT_ONCE = 1 << 20, 8 << 20
CHUNK = 65536
# For what is in the pipes when the program has ended: others may go on to write.
LAST_WORDS = 0.5
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


class Gate:
    """Lets so many bytes through and says how many it left out."""

    def __init__(self, write, clock=time.monotonic):
        self.write, self.clock = write, clock
        self.room, self.at = BYTES_AT_ONCE, clock()
        self.left_out = 0

    def take(self, out, chunk):
        now = self.clock()
        self.room = min(BYTES_AT_ONCE, self.room + (now - self.at) * BYTES_PER_SECOND)
        self.at = now
        # Once closed it opens again with some room only: a note for each chunk would be a flood itself.
        if len(chunk) > self.room or (self.left_out and self.room < BYTES_PER_SECOND):
            self.left_out += len(chunk)
            return
        if self.left_out:
            # What begins in the middle of a line goes too.
            rest = chunk.partition(b'\n')[2]
            self.left_out += len(chunk) - len(rest)
            chunk = b'\nsayoo-odoo: %d bytes of the log were left out, which came too fast\n' % self.left_out + rest
            self.left_out = 0
        self.room -= len(chunk)
        self.write(out, chunk)


def write_all(out, chunk):
    while chunk:
        chunk = chunk[os.write(out, chunk):]


def part():
    """Returns in a child, which goes on as the container's program. The process that calls stays, and ends with the child."""
    prctl = ctypes.CDLL(None).prctl
    # Before there is anybody who could look.
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    pipes = {out: os.pipe() for out in (1, 2)}
    child = os.fork()
    if child == 0:
        for out, (read, write) in pipes.items():
            os.dup2(write, out)
            os.close(read)
            os.close(write)
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
        return
    for _, write in pipes.values():
        os.close(write)
    os._exit(stay(child, {read: out for out, (read, _) in pipes.items()}))


def stay(child, pipes):
    ended, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in FORWARDED:
        signal.signal(number, lambda number, _: pass_on(child, number))
    gate, poll = Gate(write_all), select.poll()
    for one in (ended, *pipes):
        poll.register(one, select.POLLIN)
    code, until = None, None
    while True:
        ready = [one for one, _ in poll.poll(None if code is None else 0)]
        for one in ready:
            chunk = os.read(one, CHUNK)
            if one in pipes and chunk:
                gate.take(pipes[one], chunk)
            elif one in pipes:
                poll.unregister(one)
                os.close(one)
        if code is not None and (time.monotonic() > until or not any(one in pipes for one in ready)):
            return code
        if code is None and ended in ready:
            code, until = reap(child), time.monotonic() + LAST_WORDS


def pass_on(child, number):
    try:
        os.kill(child, number)
    except ProcessLookupError:
        pass


def reap(child):
    """Ends what has ended. Returns the code of the container once its program is among it."""
    code = None
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return code
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
                code = 128 - code if code < 0 else code
    except ChildProcessError:
        return code
