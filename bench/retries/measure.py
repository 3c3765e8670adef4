"""Breaks what `sayoo proxy` has with an instance, thousands of times; `run` prepares what is needed. Its last line is one JSON object.

resets:   an instance that resets a connection in the middle of a request: before it answers, in the middle of the body that it
          is sent, or in the head of its answer. It counts how often each request reached it. What changes something (POST,
          PATCH) may come once; what only asks (GET) twice. Who is not answered reads the proxy's own page with a request id.
closing:  an instance that ends idle connections when it likes, as application servers do: nobody may notice.
"""

import asyncio
import json
import os
import pathlib
import random
import struct
import socket
import sys
from collections import Counter

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "proxy"))
import measure as proxy  # noqa: E402  (bench/proxy/measure.py: the database and the proxy itself)

PORT = int(os.environ.get("BENCH_PORT", "23300"))
RESETTING, CLOSING, SAYOO = PORT, PORT + 1, PORT + 2
RESETS = int(os.environ.get("BENCH_RESETS", "10000"))
ASKED = int(os.environ.get("BENCH_REQUESTS", "100000"))
AT_ONCE = 48
# Seconds until an idle connection is ended at the latest: a hundredth of what real servers wait, and so a hundred times as often.
LONGEST_IDLE = 0.05
SEED = int(os.environ.get("BENCH_SEED", "7"))
WAYS = ("before", "body", "head", "answer")


def reset(writer):
    """Not an end but a reset: what is under way is lost."""
    end = writer.get_extra_info("socket")
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Instance:
    """Does to each request what its path says, and counts what arrived."""

    def __init__(self):
        self.arrived, self.resets, self.ended = Counter(), 0, 0

    async def read(self, reader):
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ", 2)[1].decode()
        length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        return path, length

    async def resetting(self, reader, writer):
        try:
            while True:
                path, length = await self.read(reader)
                _, number, way = path.split("/")
                self.arrived[number] += 1
                # A GET is broken once only: the second try must succeed.
                is_broken = self.arrived[number] == 1 or length
                if is_broken and way == "body" and length:
                    await reader.read(length // 2)
                elif length:
                    await reader.readexactly(length)
                if is_broken and way != "answer":
                    if way == "head":
                        writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
                        await writer.drain()
                    self.resets += 1
                    return reset(writer)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass

    async def closing(self, reader, writer):
        dice = random.Random()
        try:
            while True:
                await asyncio.wait_for(self.read(reader), dice.uniform(0, LONGEST_IDLE))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except asyncio.TimeoutError:
            self.ended += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class Visitor:
    """One connection to the proxy, opened again when it was ended."""

    def __init__(self, host):
        self.host, self.ends = host, None

    async def ask(self, method, path, body=b""):
        """Returns status, head and body."""
        for _ in range(2):
            if self.ends is None:
                self.ends = await asyncio.open_connection("127.0.0.1", SAYOO)
            reader, writer = self.ends
            try:
                length = f"Content-Length: {len(body)}\r\n" if method != "GET" else ""
                writer.write(f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\n{length}\r\n".encode() + body)
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                said = await self.rest(reader, head)
                if "connection: close" in head:
                    writer.close()
                    self.ends = None
                return int(head.split()[1]), head, said
            except asyncio.IncompleteReadError as cut:
                self.ends = None
                if cut.partial or method != "GET":
                    return 0, "", b""
        return 0, "", b""

    @staticmethod
    async def rest(reader, head):
        if "content-length:" in head:
            return await reader.readexactly(int(head.split("content-length:")[1].split("\r\n")[0]))
        return await reader.read()


async def resets(instance):
    dice, wrong, paths = random.Random(SEED), Counter(), {}

    async def visitor(numbers):
        own = Visitor("h1.bench.test")
        for number in numbers:
            method, way = dice.choice(("GET", "POST", "PATCH")), dice.choice(WAYS)
            body = b"x" * dice.choice((10, 1_000, 100_000)) if method != "GET" else b""
            paths[str(number)] = method
            status, head, said = await own.ask(method, f"/{number}/{way}", body)
            if method == "GET" or way == "answer":
                if status != 200:
                    wrong[f"{method} {way}: {status}"] += 1
            elif status not in (502, 504) or "x-request-id:" not in head or not said:
                wrong[f"{method} {way}: {status} {head[:80]!r}"] += 1

    # Some requests are answered: as many more are asked that there are so many resets.
    count = RESETS * len(WAYS) // (len(WAYS) - 1) + 1_000
    await asyncio.gather(*(visitor(range(first, count, AT_ONCE)) for first in range(AT_ONCE)))
    twice = sum(1 for number, times in instance.arrived.items() if times > (2 if paths[number] == "GET" else 1))
    for what, times in wrong.most_common(5):
        print(f"  wrong: {times} × {what}", flush=True)
    print(f"  {instance.resets} resets during {count} requests: {twice} came too often, {wrong.total()} answers were wrong", flush=True)
    return instance.resets, twice, wrong.total()


async def closing(instance):
    wrong = Counter()

    async def visitor(count):
        dice, own = random.Random(), Visitor("h2.bench.test")
        for _ in range(count):
            status, _, _ = await own.ask("GET", "/")
            if status != 200:
                wrong[status] += 1
            if dice.random() < 0.2:
                await asyncio.sleep(dice.uniform(0, LONGEST_IDLE))

    await asyncio.gather(*(visitor(ASKED // AT_ONCE + 1) for _ in range(AT_ONCE)))
    print(f"  {ASKED} requests while the instance ended {instance.ended} idle connections: {dict(wrong)} not answered", flush=True)
    return instance.ended, wrong.total()


async def measure(folder, processes):
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    instance = Instance()
    servers = [
        await asyncio.start_server(instance.resetting, "127.0.0.1", RESETTING, backlog=4096),
        await asyncio.start_server(instance.closing, "127.0.0.1", CLOSING, backlog=4096),
    ]
    processes.append(proxy.start_sayoo(
        folder, "plain", SAYOO, SAYOO__PROXY__REQUESTS_PER_SECOND="0", SAYOO__PROXY__WEB_UPSTREAM=f"127.0.0.1:{RESETTING}").pid)
    while await asyncio.to_thread(proxy.status, SAYOO, "h2.bench.test") != 200:
        await asyncio.sleep(0.1)
    done, twice, wrong = await resets(instance)
    ended, unanswered = await closing(instance)
    for server in servers:
        server.close()
    passed = done >= RESETS and twice == 0 and wrong == 0 and unanswered == 0 and ended > 0
    print(json.dumps({
        "bench": "retries", "resets": done, "repeated": twice, "wrong_answers": wrong, "requests": ASKED,
        "connections_ended": ended, "unanswered": unanswered, "pass": passed,
    }))
    return 0 if passed else 1


def main():
    with proxy.ten_routes(RESETTING, 512) as (folder, db, processes):
        db.run(f"UPDATE routes SET upstreams = '{{127.0.0.1:{CLOSING}}}' WHERE hostname = 'h2.bench.test'")
        return asyncio.run(measure(folder, processes))


sys.exit(main())
