"""Measures the proxy beside nginx; `run` prepares what it needs. Its last line is one JSON object.

Both proxies know 10,000 host names, keep their connections to one and the same upstream (an nginx that answers
4 KiB from memory) and write the same forwarding headers. They are measured in turn, several times, and the median
counts: processor time per request from /proc, the 99th percentile from wrk. Then the same over TLS and HTTP/2, for one
host name, with h2load. All share one machine, so the figures mean something beside each other only.
"""

import contextlib
import http.client
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HOSTS = 10_000
CONNECTIONS = 64
# All names lead to one upstream here, which is no Odoo: it has a place for every connection.
AT_ONCE = CONNECTIONS
ROUNDS = int(os.environ.get("ROUNDS", "9"))
SECONDS = int(os.environ.get("SECONDS_EACH", "5"))
VISIBLE_TRIES = 20
PORT = int(os.environ.get("BENCH_PORT", "23100"))
UPSTREAMS, NGINX, SAYOO = (PORT, PORT + 1), PORT + 2, PORT + 3
NGINX_TLS, SAYOO_TLS = PORT + 4, PORT + 5
# Together they ask for no more at once than the upstream has places.
TLS_CONNECTIONS, TLS_STREAMS = 16, 4
TLS_ROUNDS = max(1, ROUNDS // 3)
CORES = os.cpu_count()
TICKS = os.sysconf("SC_CLK_TCK")

# What must hold: cost, slowest requests, freshness, cost over TLS and HTTP/2.
MOST_CPU, MOST_P99, MOST_VISIBLE_MS, MOST_TLS_H2_CPU = 1.0, 1.0, 100, 1.2
# Changes of routes, in a second, that must cost nobody a request. CHANGES=1000 asks for more than the machine may give.
LEAST_CHANGES = int(os.environ.get("CHANGES", "100"))
# So many statements are sent at once, each a transaction of its own: psql waits for an answer to each of what it is sent.
BATCH = max(1, LEAST_CHANGES // 50)
SECONDS_CHANGING = int(os.environ.get("SECONDS_CHANGING", "7"))

COMMON = """
daemon on; pid {folder}/{name}.pid; error_log {folder}/{name}.log crit; worker_rlimit_nofile 20000;
events {{ worker_connections 8192; }}
"""
PATHS = """
  access_log off; keepalive_requests 100000000; server_tokens off;
  client_body_temp_path {folder}/{name}-body; proxy_temp_path {folder}/{name}-proxy; fastcgi_temp_path {folder}/{name}-fastcgi;
  uwsgi_temp_path {folder}/{name}-uwsgi; scgi_temp_path {folder}/{name}-scgi;
"""
UPSTREAM = COMMON + "worker_processes 1;\nhttp {{" + PATHS + """
  default_type text/plain;
  server {{ {listens} set $kibi "{kibi}"; location / {{ return 200 $kibi$kibi$kibi$kibi; }} }}
}}
"""
PROXY = COMMON + "worker_processes {cores};\nhttp {{" + PATHS + """
  map_hash_max_size 65536; map_hash_bucket_size 128;
  map $host $backend {{ default ""; {names} }}
  upstream instances {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} reuseport;
    listen 127.0.0.1:{tls_port} ssl http2 reuseport;
    ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/certificate.key; ssl_protocols TLSv1.2 TLSv1.3;
    location / {{
      if ($backend = "") {{ return 404; }}
      proxy_pass http://$backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header Forwarded "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Request-Id $request_id;
      add_header X-Request-Id $request_id;
    }}
  }}
}}
"""
# Every request asks for another host, with the headers that a browser sends.
LUA = """
local requests = {{}}
local at = 0
init = function(args)
  for number = 0, {hosts} - 1 do
    requests[number] = wrk.format("GET", "/web/dataset/call_kw/res.partner", {{
      Host = string.format("h%d.bench.test", number),
      ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
      Accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
      ["Accept-Language"] = "fr,en;q=0.5",
      ["Accept-Encoding"] = "gzip, deflate, br",
      Cookie = "session_id=5f7c1c0a4f5e4f6b8a9d0e1f2a3b4c5d; frontend_lang=fr_FR; tz=Europe/Paris",
    }})
  end
  at = math.random({hosts}) - 1
end
request = function()
  at = (at + 7919) % {hosts}
  return requests[at]
end
"""


@contextlib.contextmanager
def ten_routes(upstream, at_once):
    """For the benchmarks that have a proxy with ten names and an upstream of their own: yields a folder, the database with the
    routes, and the list of processes that end with it."""
    global UPSTREAMS, HOSTS, AT_ONCE
    UPSTREAMS, HOSTS, AT_ONCE = (upstream, upstream), 10, at_once
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sayoo-bench-"))
    db, processes = Database(), []
    try:
        routes(db)
        yield folder, db, processes
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGTERM)
        db.psql.terminate()
        shutil.rmtree(folder, ignore_errors=True)


class Database:
    """One psql that stays open, so that a statement costs what it costs and no more."""

    def __init__(self):
        self.psql = subprocess.Popen(
            [os.environ["PSQL"], "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", os.environ["DATABASE_URL"]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )

    def run(self, statement):
        self.psql.stdin.write(statement + ";\n\\echo done\n")
        self.psql.stdin.flush()
        if self.psql.stdout.readline() != "done\n":
            sys.exit("a statement failed: " + statement)


def routes(db):
    """The environments behind the routes do not matter here, and would need half the schema."""
    db.run("ALTER TABLE routes DROP CONSTRAINT IF EXISTS routes_environment_id_fkey")
    db.run("TRUNCATE routes, traffic_samples")
    db.run(
        "INSERT INTO routes (hostname, environment_id, state, upstreams, requests_at_once, updated_at) SELECT format('h%s.bench.test', number),"
        f" gen_random_uuid(), 'serving', ARRAY['127.0.0.1:{UPSTREAMS[0]}'], {AT_ONCE}, now() FROM generate_series(0, {HOSTS - 1}) AS number"
    )


def start_nginx(folder, name, template, **values):
    file = folder / f"{name}.conf"
    file.write_text(template.format(folder=folder, name=name, **values))
    subprocess.run(["nginx", "-p", folder, "-c", file, "-e", folder / f"{name}.log"], check=True)
    wait_for(lambda: (folder / f"{name}.pid").exists())
    return int((folder / f"{name}.pid").read_text())


def make_certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=bench.test", "-addext", "subjectAltName=DNS:*.bench.test",
         "-keyout", folder / "certificate.key", "-out", folder / "certificate.pem"],
        check=True, stderr=subprocess.DEVNULL,
    )


def start_sayoo(folder, name, port, **more):
    example = pathlib.Path("docs/sayoo.example.toml").read_text()
    # With HTTPS the port in the clear would only send visitors there: who speaks it is a process of its own.
    (folder / "sayoo.toml").write_text(re.sub(r"(?ms)^\[tls\b.*?(?=^\[|\Z)", "", example))
    environment = {
        **os.environ,
        "SAYOO_CONFIG": str(folder / "sayoo.toml"),
        "SAYOO__PUBLIC__MODE": "development",
        "SAYOO__PUBLIC__PORTAL_URL": "http://portal.bench.test",
        "SAYOO__DATABASE__PROXY_URL": os.environ["DATABASE_URL"],
        "SAYOO__PROXY__LISTEN": f"127.0.0.1:{port}",
        "SAYOO__PROXY__WEB_UPSTREAM": f"127.0.0.1:{UPSTREAMS[0]}",
        "SAYOO__PROXY__TABLE_FILE": str(folder / name / "routes.json"),
        **more,
    }
    log = open(folder / f"{name}.log", "w")
    return subprocess.Popen([os.environ["SAYOO_BIN"], "proxy"], env=environment, stdout=log, stderr=log)


def family(pid):
    """A process and its children: nginx works in children, we in threads."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def processor_seconds(pid):
    total = 0
    for one in family(pid):
        fields = pathlib.Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def status(port, host):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": host})
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def wait_for(is_so, seconds=20):
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            sys.exit("it never came about; see the logs in the folder of the bench")
        time.sleep(0.02)


def wrk(folder, port, seconds):
    return subprocess.Popen(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", folder / "hosts.lua", f"http://127.0.0.1:{port}/"],
        stdout=subprocess.PIPE, text=True,
    )


def read_wrk(process):
    text = process.communicate()[0]
    requests = int(re.search(r"(\d+) requests in", text).group(1))
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    p99_ms = float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    dropped = sum(map(int, errors.groups())) if errors else 0
    return requests, p99_ms, dropped + (int(bad.group(1)) if bad else 0)


def measure(folder, name, port, pid):
    before = processor_seconds(pid)
    requests, p99, dropped = read_wrk(wrk(folder, port, SECONDS))
    micros = (processor_seconds(pid) - before) / requests * 1e6
    print(f"  {name:6} {requests / SECONDS:8.0f} requests/s  {micros:6.1f} µs of processor each  p99 {p99:6.2f} ms  {dropped} dropped", flush=True)
    return micros, p99, dropped


def beside_each_other(folder, pids):
    figures = {name: [] for name in pids}
    for name, (port, pid) in pids.items():
        read_wrk(wrk(folder, port, 2))  # Connections are opened and code is warm.
    for _ in range(ROUNDS):
        for name, (port, pid) in pids.items():
            figures[name].append(measure(folder, name, port, pid))
    return {name: [statistics.median(column) for column in zip(*rows)] for name, rows in figures.items()}


def h2load(port, seconds):
    return subprocess.Popen(
        ["h2load", "-t1", f"-c{TLS_CONNECTIONS}", f"-m{TLS_STREAMS}", f"-D{seconds}", f"--connect-to=127.0.0.1:{port}",
         f"https://h1.bench.test:{port}/web/dataset/call_kw/res.partner"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )


def read_h2load(process, name):
    """Requests that were answered well, and those that were not."""
    text = process.communicate()[0]
    succeeded = int(re.search(r"(\d+) 2xx", text).group(1))
    if succeeded == 0 or "Application protocol: h2" not in text:
        sys.exit(f"{name} does not answer over TLS and HTTP/2:\n{text}")
    failed = re.search(r"(\d+) failed, (\d+) errored, (\d+) timeout", text)
    others = re.search(r"2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", text)
    return succeeded, max(sum(map(int, failed.groups())), sum(map(int, others.groups())))


def measure_tls(name, port, pid, seconds):
    before = processor_seconds(pid)
    succeeded, _ = read_h2load(h2load(port, seconds), name)
    micros = (processor_seconds(pid) - before) / succeeded * 1e6
    print(f"  {name:6} {succeeded / seconds:8.0f} requests/s  {micros:6.1f} µs of processor each, over TLS and HTTP/2", flush=True)
    return micros


def tls_beside_each_other(pids):
    figures = {name: [] for name in pids}
    for name, (port, pid) in pids.items():
        measure_tls(name, port, pid, 1)
    for _ in range(TLS_ROUNDS):
        for name, (port, pid) in pids.items():
            figures[name].append(measure_tls(name, port, pid, SECONDS))
    return {name: statistics.median(column) for name, column in figures.items()}


def visible_ms(db):
    """From just before the statement that commits a new route to the first answer by it."""
    times = []
    for number in range(VISIBLE_TRIES):
        host = f"new{number}.bench.test"
        begun = time.monotonic()
        db.run(
            "INSERT INTO routes (hostname, environment_id, state, upstreams, requests_at_once, updated_at)"
            f" VALUES ('{host}', gen_random_uuid(), 'serving', ARRAY['127.0.0.1:{UPSTREAMS[0]}'], {AT_ONCE}, now())"
        )
        while status(SAYOO, host) != 200:
            if time.monotonic() - begun > 30:
                sys.exit("a new route was never served")
        times.append((time.monotonic() - begun) * 1000)
        time.sleep(0.15)  # Apart, as orders come; bursts are the next measurement.
    return statistics.median(times), max(times)


def change_routes(db, seconds, name):
    """So many changes in a second and a tenth more, evenly: names that are asked for move between two upstreams one by one, once
    a second a tenth of all at once, and others come and go. Returns how many there were in a second."""
    begun, changes = time.monotonic(), 0
    while (now := time.monotonic() - begun) < seconds:
        db.run(";\n".join(change(number, name) for number in range(changes, changes + BATCH)))
        changes += BATCH
        time.sleep(max(0, changes / (LEAST_CHANGES * 1.1) - now))
    return changes / (time.monotonic() - begun)


def change(number, name):
    """One statement."""
    turn, port = number % 4, UPSTREAMS[number // 4 % 2]
    move = f"UPDATE routes SET upstreams = ARRAY['127.0.0.1:{port}'], updated_at = now() WHERE hostname "
    if number % int(LEAST_CHANGES * 1.12) == 0:
        return move + "LIKE 'h1%'"
    if turn < 2:
        return move + f"= 'h{turn * number % HOSTS + 1}.bench.test'"
    if turn == 2:
        return (
            "INSERT INTO routes (hostname, environment_id, state, upstreams, updated_at)"
            f" VALUES ('{name}{number}.bench.test', gen_random_uuid(), 'serving', '{{}}', now())"
        )
    return f"DELETE FROM routes WHERE hostname = '{name}{number - 41}.bench.test'"


def dropped_during_changes(folder, db):
    """While each of both ports is asked for all it can give. Returns the slower pace of changes, and what was dropped."""
    running = wrk(folder, SAYOO, SECONDS_CHANGING + 1)
    pace = change_routes(db, SECONDS_CHANGING, "plain")
    requests, _, dropped = read_wrk(running)
    print(f"  {requests} requests during {pace:.0f} changes of routes in a second: {dropped} dropped", flush=True)
    running = h2load(SAYOO_TLS, SECONDS_CHANGING + 1)
    tls_pace = change_routes(db, SECONDS_CHANGING, "tls")
    requests, tls_dropped = read_h2load(running, "sayoo")
    print(f"  {requests} over TLS and HTTP/2 during {tls_pace:.0f}: {tls_dropped} dropped", flush=True)
    return min(pace, tls_pace), dropped + tls_dropped


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sayoo-bench-"))
    db, processes = Database(), []
    try:
        routes(db)
        make_certificate(folder)
        (folder / "hosts.lua").write_text(LUA.format(hosts=HOSTS))
        listens = " ".join(f"listen 127.0.0.1:{port};" for port in UPSTREAMS)
        processes.append(start_nginx(folder, "upstream", UPSTREAM, listens=listens, kibi="x" * 1024))
        names = "\n".join(f"h{number}.bench.test instances;" for number in range(HOSTS))
        nginx = start_nginx(folder, "proxy", PROXY, cores=CORES, names=names, port=NGINX, tls_port=NGINX_TLS, upstream=UPSTREAMS[0])
        processes.append(nginx)
        sayoo = start_sayoo(folder, "sayoo", SAYOO)
        processes.append(sayoo.pid)
        for port in (NGINX, SAYOO):
            wait_for(lambda port=port: status(port, "h1.bench.test") == 200)
        print(f"{HOSTS} host names, {CONNECTIONS} connections, 4 KiB answers, {CORES} cores, median of {ROUNDS}", flush=True)
        medians = beside_each_other(folder, {"nginx": (NGINX, nginx), "sayoo": (SAYOO, sayoo.pid)})
        secure = start_sayoo(
            folder, "sayoo-tls", SAYOO_TLS + 1, SAYOO__TLS__LISTEN=f"127.0.0.1:{SAYOO_TLS}",
            SAYOO__TLS__CERTIFICATE_FILE=str(folder / "certificate.pem"), SAYOO__TLS__KEY_FILE=str(folder / "certificate.key"),
            SAYOO__PROXY__REQUESTS_PER_SECOND="0",
        )
        processes.append(secure.pid)
        wait_for(lambda: status(SAYOO_TLS + 1, "h1.bench.test") == 308)
        tls = tls_beside_each_other({"nginx": (NGINX_TLS, nginx), "sayoo": (SAYOO_TLS, secure.pid)})
        visible, slowest = visible_ms(db)
        print(f"  a new route is served after {visible:.0f} ms (slowest of {VISIBLE_TRIES}: {slowest:.0f} ms)", flush=True)
        pace, dropped = dropped_during_changes(folder, db)
        dropped += int(medians["sayoo"][2])
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGTERM)
        db.psql.terminate()
    sayoo.wait(timeout=40)
    secure.wait(timeout=40)
    shutil.rmtree(folder, ignore_errors=True)
    cpu = medians["sayoo"][0] / medians["nginx"][0]
    p99 = medians["sayoo"][1] / medians["nginx"][1]
    tls_cpu = tls["sayoo"] / tls["nginx"]
    passed = cpu <= MOST_CPU and tls_cpu <= MOST_TLS_H2_CPU and p99 <= MOST_P99 and visible <= MOST_VISIBLE_MS
    passed = passed and pace >= LEAST_CHANGES and dropped == 0
    print(json.dumps({
        "bench": "proxy", "cpu_over_nginx": round(cpu, 3), "p99_over_nginx": round(p99, 3), "route_visible_ms": round(visible, 1),
        "tls_h2_cpu_over_nginx": round(tls_cpu, 3), "tls_h2_cpu_us": round(tls["sayoo"], 1),
        "nginx_tls_h2_cpu_us": round(tls["nginx"], 1), "route_changes_per_s": round(pace), "dropped": dropped, "cpu_us": round(medians["sayoo"][0], 1), "nginx_cpu_us": round(medians["nginx"][0], 1), "pass": passed,
    }))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
