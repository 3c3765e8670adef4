"""Sends thousands of requests that two programs might read differently through `sayoo proxy` to the servers that stand behind such
proxies; `run` prepares what is needed. Its last line is one JSON object.

The requests are those of tests/it/proxy/smuggling.rs, where a strict reader looks at what passes. Here real servers do: none may
take a part of a body for a request, none may give an answer to somebody else, and nothing may come to another tenant's server.
"""

import asyncio
import collections
import json
import os
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "proxy"))
import measure as proxy  # noqa: E402  (bench/proxy/measure.py: the database and the proxy itself)

PORT = int(os.environ.get("BENCH_PORT", "23300"))
PROXY, INNER, OTHERS = PORT, PORT + 20, PORT + 30
# Every so many of the requests only, for a short try.
EVERY = int(os.environ.get("EVERY", "1"))
AT_ONCE = int(os.environ.get("AT_ONCE", "24"))
# After so many, somebody asks for an ordinary page over the connections that they have left behind.
BETWEEN = 48
PYTHON = ["werkzeug", "gevent", "gunicorn", "waitress", "hypercorn"]
NAMES = [*PYTHON, "node", "nginx", "hyper"]
# A path of its own for each request, which is what its answer and the server's list say.
NGINX = """
daemon on; pid {folder}/{name}.pid; error_log {folder}/{name}.log crit; worker_processes 1;
events {{ worker_connections 1024; }}
http {{
  log_format path "$uri"; map $status $is_taken {{ 200 1; default 0; }} access_log {notes} path if=$is_taken; client_body_temp_path {folder}/{name}-body; proxy_temp_path {folder}/{name}-proxy;
  fastcgi_temp_path {folder}/{name}-fastcgi; uwsgi_temp_path {folder}/{name}-uwsgi; scgi_temp_path {folder}/{name}-scgi;
  server {{ listen 127.0.0.1:{port}; default_type text/plain; location / {{ return 200 $uri; }} }}
}}
"""


def corpus():
    """What the test sends: how its length is to be read, and its bytes with `N` for its number and `a.test` for the host."""
    source = (HERE.parent.parent / "tests/it/proxy/smuggling.rs").read_text()

    def table(name):
        return re.search(rf"const {name}: [^=]*= \[\n(.*?)\n\];", source, re.S).group(1)

    def texts(text):
        return [plain(one) for one in re.findall(r'"((?:[^"\\]|\\.)*)"', text)]

    def plain(text):
        signs = {"r": "\r", "n": "\n", "t": "\t", '"': '"', "\\": "\\"}
        text = re.sub(r"\\u\{(\w+)\}|\\x(\w\w)", lambda found: chr(int(found.group(1) or found.group(2), 16)), text)
        return re.sub(r'\\([rnt"\\])', lambda found: signs[found.group(1)], text)

    framings = [(meaning, plain(text)) for meaning, text in re.findall(r'\((\w+), "((?:[^"\\]|\\.)*)"\)', table("FRAMINGS"))]
    for start in texts(table("STARTS")):
        for meaning, framing in framings:
            for body in texts(table("BODIES")):
                yield meaning, f"{start}{framing}\r\n{body}"


def start_servers(folder, processes):
    python = os.environ["SMUGGLING_PYTHON"]
    for number, name in enumerate(NAMES):
        port, notes = PORT + 1 + number, folder / f"{name}.notes"
        notes.touch()
        if name == "nginx":
            processes.append(proxy.start_nginx(folder, name, NGINX, port=port, notes=notes))
        elif name == "hyper":
            # Another proxy of ours, which is made of it: to it the name is the portal's, and that is one more server.
            started(processes, [python, HERE / "servers.py", "waitress", str(INNER), str(notes)])
            again = proxy.start_sayoo(
                folder, "hyper", port, SAYOO__PUBLIC__PORTAL_URL=f"http://h{number}.bench.test", SAYOO__PROXY__WEB_UPSTREAM=f"127.0.0.1:{INNER}")
            processes.append(again.pid)
        elif name == "node":
            started(processes, ["node", HERE / "server.js", str(port), str(notes)])
        else:
            started(processes, [python, HERE / "servers.py", name, str(port), str(notes)])
    (folder / "others.notes").touch()
    started(processes, [python, HERE / "servers.py", "waitress", str(OTHERS), str(folder / "others.notes")])


def started(processes, command):
    processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid)


async def send(what, patience):
    """Everything that comes back until nothing more does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", PROXY)
    said = b""
    try:
        writer.write(what)
        while piece := await asyncio.wait_for(reader.read(65_536), patience):
            said += piece
    except (asyncio.TimeoutError, ConnectionError):
        pass
    writer.close()
    return said


async def at_one(name, host, found):
    """All requests for one server, and what ordinary visitors get in between."""
    tricks = list(enumerate(corpus()))[:: EVERY]
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number, meaning, text):
        if meaning != "Length":
            # What must not be a request would be one to another tenant.
            text = re.sub(r"(/smuggled-N HTTP/1.1\r\nHost: )a\.test", r"\1h9.bench.test", text)
        async with places:
            await send(text.replace("/N", f"/{number}").replace("-N", f"-{number}").replace("a.test", host).encode("utf-8"), 0.15)

    for begin in range(0, len(tricks), BETWEEN):
        await asyncio.gather(*(one(number, *trick) for number, trick in tricks[begin : begin + BETWEEN]))
        for turn in range(4):
            path = f"/marker-{begin}-{turn}"
            said = await send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode(), 20)
            if not said.startswith(b"HTTP/1.1 200") or not said.endswith(b"\r\n\r\n" + path.encode()):
                found[name].append(f"a visitor who asked for {path} reads {said[:80]} … {said[-80:]}")
    found["sent"].append(len(tricks))


def judge(folder, name, found):
    """What the server says that it was asked, against what it may have been."""
    tricks = dict(enumerate(corpus()))
    arrived = collections.Counter()
    for path in (folder / f"{name}.notes").read_text(errors="replace").split("\n"):
        if not path or path.startswith("/marker-") or path == "/":
            continue
        smuggled = re.fullmatch(r"/smuggled-(\d+)", path)
        plain = re.fullmatch(r"/(\d+)", path)
        number = int((smuggled or plain).group(1)) if smuggled or plain else None
        if number not in tricks:
            found[name].append(f"it was asked for {path!r}")
            continue
        meaning, text = tricks[number]
        if meaning == "Nothing" or smuggled and meaning != "Length":
            found[name].append(f"{path} arrived: {text!r}")
        arrived[meaning] += 1
    print(f"  {name:9} {sum(arrived.values())} of them arrived, {len(found[name])} wrongly", flush=True)
    for line in found[name][:5]:
        print(f"    {line}", flush=True)
    return arrived


async def attack(found):
    await asyncio.gather(*(at_one(name, f"h{number}.bench.test", found) for number, name in enumerate(NAMES)))


def main():
    with proxy.ten_routes(PORT + 1, 64) as (folder, db, processes):
        for number, name in enumerate(NAMES):
            db.run(f"UPDATE routes SET upstreams = '{{127.0.0.1:{PORT + 1 + number}}}' WHERE hostname = 'h{number}.bench.test'")
        db.run(f"UPDATE routes SET upstreams = '{{127.0.0.1:{OTHERS}}}' WHERE hostname IN ('h8.bench.test', 'h9.bench.test')")
        start_servers(folder, processes)
        sayoo = proxy.start_sayoo(folder, "sayoo", PROXY, SAYOO__PROXY__REQUESTS_PER_SECOND="0")
        processes.append(sayoo.pid)
        for number in range(len(NAMES)):
            proxy.wait_for(lambda number=number: proxy.status(PROXY, f"h{number}.bench.test") == 200)
        found = collections.defaultdict(list)
        asyncio.run(attack(found))
        arrived = {name: judge(folder, name, found) for name in NAMES}
        others = (folder / "others.notes").read_text()
        wrong = sum(len(found[name]) for name in NAMES)
        sent = sum(found["sent"])
        enough = all(counts["Length"] > 0 and counts["Chunks"] > 0 for counts in arrived.values())
        passed = wrong == 0 and not others and enough
        print(json.dumps({"bench": "smuggling", "payloads": sent // len(NAMES), "back_ends": len(NAMES), "sent": sent, "desyncs": wrong,
                          "at_another_tenant": len(others.splitlines()), "pass": passed}))
        return 0 if passed else 1


sys.exit(main())
