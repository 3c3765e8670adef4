"""Slow visitors by the thousand at one instance, and what the neighbours of that instance notice: at `sayoo proxy` and, in the
same run, at an nginx with the same limits of time.

An attacker works on other machines than ours, and so does the instance that is attacked. Here all share the processors: both
therefore run where nobody else wants them (SCHED_IDLE), and the neighbour has an upstream of its own.
"""

import asyncio
import multiprocessing
import os
import statistics
import subprocess
import time

# How many come. Of files a process has 20,000 here at most, and a body or an answer under way needs two of them.
MOST = int(os.environ.get("SLOW", "10000"))
SLOW = {"head": min(MOST, 10_000), "body": min(MOST, 8_000), "read": min(MOST, 8_000)}
# So many of them come in a second.
PACE = 2_500
VICTIM, NEIGHBOUR = "127.0.0.1", "h2.bench.test"
# Seconds until the slow ones have lost their places: ten for a head, fifteen below 500 bytes in a second, and a little until
# all have come. What a reader does not read fills the kernel's buffers before anybody waits for it.
ENDS = {mode: seconds + SLOW[mode] / PACE for mode, seconds in {"head": 14, "body": 19, "read": 25}.items()}
LONGEST = 60
MODES = {
    "head": ["-H", "-i", "5"],
    "body": ["-B", "-i", "5", "-s", "8192", "-x", "10"],
    "read": ["-X", "-w", "512", "-y", "1024", "-n", "5", "-z", "32", "-k", "1"],
}
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
    location / {{ if ($host = "127.0.0.1") {{ proxy_pass http://victim; }} proxy_pass http://neighbour; }}
  }}
}}
"""


def when_nobody_else_works():
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def neighbour(port, is_over, times):
    """Four people ask for one page after the other. Puts into `times` how long each answer took, in milliseconds."""

    async def person(took):
        # Not from the attackers' address, which may not have everything.
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.9", 0))
        while not is_over.is_set():
            begun = time.monotonic()
            writer.write(f"GET / HTTP/1.1\r\nHost: {NEIGHBOUR}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"the neighbour reads {head[:60]}")
            await reader.readexactly(4096)
            took.append((time.monotonic() - begun) * 1000)
            await asyncio.sleep(0.01)
        writer.close()

    async def people():
        took = []
        await asyncio.gather(*(person(took) for _ in range(4)))
        return took

    times.put(asyncio.run(people()))


class Neighbour:
    """Asks from a process of its own, so that nothing here delays it."""

    def __init__(self, port):
        self.is_over, self.times = multiprocessing.Event(), multiprocessing.Queue()
        self.process = multiprocessing.Process(target=neighbour, args=(port, self.is_over, self.times), daemon=True)
        self.process.start()

    def slowest_hundredth(self):
        self.is_over.set()
        times = self.times.get(timeout=30)
        self.process.join()
        return statistics.quantiles(times, n=100)[98]


def quiet(port, seconds=15):
    asking = Neighbour(port)
    time.sleep(seconds)
    return asking.slowest_hundredth()


def open_now(port):
    """How many visitors a proxy has, its neighbour's four connections left out."""
    text = subprocess.run(["ss", "-Htn", "state", "established", f"( sport = :{port} )"], capture_output=True, text=True,
                          preexec_fn=when_nobody_else_works).stdout
    return max(0, text.count("\n") - 4)


def slow(name, port, mode):
    """Returns how long the last slow visitor kept its place, how many there were at once, and the neighbour's slowest hundredth."""
    path = "/large" if mode == "read" else "/"
    asking = Neighbour(port)
    attack = subprocess.Popen(
        ["slowhttptest", *MODES[mode], "-c", str(SLOW[mode]), "-r", str(PACE), "-l", str(LONGEST), "-p", "3", "-u", f"http://{VICTIM}:{port}{path}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=when_nobody_else_works,
    )
    begun, took, most = time.monotonic(), 99.0, 0
    while time.monotonic() - begun < LONGEST - 2:
        time.sleep(0.5)
        now = open_now(port)
        most = max(most, now)
        # A few come late: who lost a place asks for it again.
        if most > SLOW[mode] / 2 and now == 0:
            took = time.monotonic() - begun
            break
    attack.terminate()
    attack.wait()
    p99 = asking.slowest_hundredth()
    print(f"  {name:5} slow {mode}: {most} at once, all gone after {took:.0f} s, a neighbour's p99 {p99:.1f} ms", flush=True)
    return took, most, p99
