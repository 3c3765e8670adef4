"""Slow visitors by the thousand at one instance, and what the neighbours of that instance notice: at `sayoo proxy` and, in the
same run, at an nginx with the same limits of time.

They do what slowhttptest's do (-H, -B, -X), and come from many addresses, as those do who are lent out by the thousand: one
address may not have that many connections, which is tried too. An attacker works on other machines than ours, and so does the
instance that is attacked. Here all share the processors: both therefore run where nobody else wants them (SCHED_IDLE), and the
neighbour has an upstream of its own.
"""

import asyncio
import collections
import ctypes
import heapq
import multiprocessing
import os
import select
import socket
import statistics
import subprocess
import time

# How many come. Of files a process has 20,000 here at most, and a body or an answer under way needs two of them.
MOST = int(os.environ.get("SLOW", "10000"))
SLOW = {"head": min(MOST, 10_000), "body": min(MOST, 8_000), "read": min(MOST, 8_000)}
# So many of them come in a second, from so many addresses.
PACE, ADDRESSES = 2_500, 250
VICTIM, NEIGHBOUR = "h9.bench.test", "h2.bench.test"
# Seconds from when the last one came until all have lost their places: ten for a head, fifteen below 500 bytes in a second, and
# a little. What a reader does not read fills the kernel's buffers before anybody waits for it.
ENDS = {"head": 14, "body": 19, "read": 25}
LONGEST = int(os.environ.get("LONGEST", "60"))
FOR = int(os.environ.get("SECONDS_QUIET", "5"))
BEGINNINGS = {
    "head": "GET / HTTP/1.1\r\nHost: {host}\r\n",
    "body": "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 8192\r\n\r\n",
    "read": "GET /large HTTP/1.1\r\nHost: {host}\r\n\r\n",
}
# What each says, or reads, after so many seconds again.
MORE, EVERY, READS = {"head": b"X-A: b\r\n", "body": b"0123456789"}, 5, 32
# The limits of time are those that our proxy has by itself.
NGINX = """
daemon on; pid {folder}/{name}.pid; error_log {folder}/{name}.log crit; worker_rlimit_nofile 20000;
events {{ worker_connections 19000; }}
worker_processes auto;
http {{
  access_log off; keepalive_requests 100000000; client_header_timeout 10s; client_body_timeout 15s; send_timeout 15s;
  client_body_temp_path {folder}/{name}-body; proxy_temp_path {folder}/{name}-proxy; fastcgi_temp_path {folder}/{name}-fastcgi;
  uwsgi_temp_path {folder}/{name}-uwsgi; scgi_temp_path {folder}/{name}-scgi;
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
  upstream victim {{ server 127.0.0.1:{victim}; }}
  upstream neighbour {{ server 127.0.0.1:{neighbour}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port} reuseport backlog=4096;
    location / {{ if ($host = "h9.bench.test") {{ proxy_pass http://victim; }} proxy_pass http://neighbour; }}
  }}
}}
"""


def when_nobody_else_works():
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def neighbour(port, is_over, found):
    """Four people ask for one page after the other. Puts into `found` how long each answer took, in milliseconds, and how often
    a connection was gone that they wanted to use again, which a browser opens once more without a word."""

    async def person(took, lost):
        reader = writer = None
        while not is_over.is_set():
            begun = time.monotonic()
            while True:
                if writer is None:
                    # Not from the attackers' addresses, which may not have everything.
                    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.9", 0))
                try:
                    writer.write(f"GET / HTTP/1.1\r\nHost: {NEIGHBOUR}\r\n\r\n".encode())
                    head = await reader.readuntil(b"\r\n\r\n")
                    break
                except (asyncio.IncompleteReadError, ConnectionError):
                    writer.close()
                    writer = None
                    lost.append(1)
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"the neighbour reads {head[:60]}")
            await reader.readexactly(4096)
            took.append((time.monotonic() - begun) * 1000)
            await asyncio.sleep(0.01)
        writer.close()

    async def people():
        took, lost = [], []
        await asyncio.gather(*(person(took, lost) for _ in range(4)))
        return took, len(lost)

    found.put(asyncio.run(people()))


class Neighbour:
    """Asks from a process of its own, so that nothing here delays it."""

    def __init__(self, port):
        self.is_over, self.found = multiprocessing.Event(), multiprocessing.Queue()
        self.process = multiprocessing.Process(target=neighbour, args=(port, self.is_over, self.found), daemon=True)
        self.process.start()

    def slowest_hundredth(self):
        self.is_over.set()
        took, lost = self.found.get(timeout=30)
        self.process.join()
        if lost:
            print(f"    the neighbour opened {lost} connections anew", flush=True)
        return statistics.quantiles(took, n=100)[98]


def quiet(port):
    asking = Neighbour(port)
    time.sleep(FOR)
    return asking.slowest_hundredth()


def open_now(port):
    """How many visitors a proxy has, its neighbour's four connections left out."""
    text = subprocess.run(["ss", "-Htn", "state", "established", f"( sport = :{port} )"], capture_output=True, text=True,
                          preexec_fn=when_nobody_else_works).stdout
    return max(0, text.count("\n") - 4)


def attackers(port, mode, addresses, came):
    """All the slow visitors, until they are ended. Says in `came` how many have come."""
    when_nobody_else_works()
    poll, open_, due = select.epoll(), {}, []
    # A reader is never told that there is something to read: there always is.
    wanted = select.EPOLLRDHUP | (0 if mode == "read" else select.EPOLLIN)
    begun = time.monotonic()
    while True:
        now = time.monotonic()
        for number in range(came.value, min(SLOW[mode], int((now - begun) * PACE))):
            visitor = socket.socket()
            if mode == "read":
                visitor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            number %= addresses
            visitor.bind((f"127.9.{number // 250}.{1 + number % 250}", 0))
            visitor.setblocking(False)
            visitor.connect_ex(("127.0.0.1", port))
            open_[visitor.fileno()] = visitor
            poll.register(visitor, select.EPOLLOUT)
            came.value += 1
        for file, event in poll.poll(0.05):
            if event == select.EPOLLOUT and said(open_[file], BEGINNINGS[mode].format(host=VICTIM).encode()):
                poll.modify(file, wanted)
                heapq.heappush(due, (now + EVERY, file, id(open_[file])))
            else:
                open_.pop(file).close()
        while due and due[0][0] <= now:
            _, file, which = heapq.heappop(due)
            # The number may be another's by now.
            if id(open_.get(file)) != which:
                continue
            if read(open_[file]) if mode == "read" else said(open_[file], MORE[mode]):
                heapq.heappush(due, (now + EVERY, file, which))
            else:
                open_.pop(file).close()


def said(visitor, what):
    try:
        return visitor.send(what) > 0
    except OSError:
        return False


def read(visitor):
    try:
        return visitor.recv(READS) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


Outcome = collections.namedtuple("Outcome", "took most came p99")


def slow(name, port, mode, addresses=ADDRESSES):
    """How long the last slow visitor kept its place, how many there were at once and came at all, and the neighbour's slowest
    hundredth."""
    asking, came = Neighbour(port), multiprocessing.Value(ctypes.c_int)
    attack = multiprocessing.Process(target=attackers, args=(port, mode, addresses, came), daemon=True)
    attack.start()
    begun, last, took, most = time.monotonic(), None, 99.0, 0
    while time.monotonic() - begun < LONGEST:
        time.sleep(0.5)
        now = open_now(port)
        most = max(most, now)
        if came.value == SLOW[mode]:
            last = last or time.monotonic()
            if now == 0:
                took = time.monotonic() - last
                break
    attack.terminate()
    attack.join()
    outcome = Outcome(took, most, came.value, asking.slowest_hundredth())
    print(f"  {name:5} slow {mode} from {addresses} addresses: {most} at once of {outcome.came}, all gone {took:.0f} s after the last, "
          f"a neighbour's p99 {outcome.p99:.1f} ms", flush=True)
    return outcome
