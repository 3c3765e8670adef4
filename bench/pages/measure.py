"""Starts `sayoo web` on a scratch database with a large account and asks for the pages that people open most.

The time is taken at the client, on one connection, so it holds everything that the server does. The last line is one JSON
object: `p95_ms` of the slowest page, `first_view_kb` of the front page with all it loads, and `pass`.
"""
import gzip
import http.client
import json
import os
import pathlib
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time

ROUNDS, WARM = 200, 20
LIMIT_MS, LIMIT_KB = 50, 100
INSTANCE = '/instances/00000000-0000-7000-9000-000000000001'
PAGES = ['/', '/pricing', '/instances', '/instances?q=shop+9&state=running', INSTANCE, f'{INSTANCE}/usage',
         f'{INSTANCE}/logs', '/instances/new', '/instances/new/details?plan=production', '/instances/check-name?value=shop-1']
PUBLIC = {'/', '/pricing'}


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def configuration(folder, database, port):
    for name in ('sso', 'cookie', 'sealing'):
        (folder / f'{name}.key').write_text(secrets.token_hex(32))
    (folder / 'sayoo.toml').write_text(f'''
[installation]
name = "bench"
data_dir = "{folder}"
[public]
portal_url = "http://127.0.0.1:{port}"
instances_url = "http://{{name}}.localhost:8080"
mode = "development"
[database]
owner_url = "{database}"
web_url = "{database}"
worker_url = "{database}"
proxy_url = "{database}"
[web]
listen = "127.0.0.1:{port}"
sso_key_file = "{folder}/sso.key"
cookie_key_file = "{folder}/cookie.key"
[proxy]
listen = "127.0.0.1:1"
web_upstream = "127.0.0.1:{port}"
table_file = "{folder}/routes.json"
[worker]
docker = "unix:///var/run/docker.sock"
sealing_key_file = "{folder}/sealing.key"
upstream_address = "127.0.0.1"
sso_public_key_file = "{folder}/sso.public"
[tenants]
admin_url = "{database}"
host_for_containers = "127.0.0.1"
port_for_containers = 1
[odoo]
image = "none"
[mail]
from = "Bench <bench@example.com>"
''')


class Browser:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection('127.0.0.1', port, timeout=30)

    def get(self, path, logged_in=False, encoding='gzip'):
        headers = {'accept-encoding': encoding, 'accept-language': 'en'}
        if logged_in:
            headers['cookie'] = 'sayoo=bench'
        began = time.perf_counter()
        self.connection.request('GET', path, headers=headers)
        answer = self.connection.getresponse()
        body = answer.read()
        return (time.perf_counter() - began) * 1000, answer, body


def wait_until_served(port, process):
    for _ in range(200):
        if process.poll() is not None:
            sys.exit('sayoo web ended')
        try:
            socket.create_connection(('127.0.0.1', port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit('sayoo web does not listen')


def first_view(browser):
    """Bytes over the line: the front page, its styles and scripts, the fonts that it asks for first."""
    _, answer, body = browser.get('/')
    total = len(body)
    text = gzip.decompress(body) if answer.getheader('content-encoding') == 'gzip' else body
    for asset in sorted(set(re.findall(rb'(?:href|src)="(/assets/[^"]+)"', text))):
        total += len(browser.get(asset.decode(), encoding='br, gzip')[2])
    return total / 1000


def main():
    database = os.environ['DATABASE_URL']
    here = pathlib.Path(__file__).parent
    subprocess.run([os.environ.get('PSQL', 'psql'), '-q', '-v', 'ON_ERROR_STOP=1', '-v', 'instances=1000', database, '-f', here / 'data.sql'], check=True)
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        configuration(folder, database, port)
        environment = {**os.environ, 'RUST_LOG': 'warn'}
        process = subprocess.Popen([os.environ['SAYOO_BIN'], '--config', folder / 'sayoo.toml', 'web'], env=environment,
                                   stdout=sys.stderr)
        try:
            wait_until_served(port, process)
            browser = Browser(port)
            worst = 0.0
            for path in PAGES:
                times = []
                for _ in range(WARM + ROUNDS):
                    took, answer, body = browser.get(path, path not in PUBLIC)
                    if answer.status != 200:
                        sys.exit(f'{path}: {answer.status} {answer.getheader("location")}')
                    times.append(took)
                times = sorted(times[WARM:])
                p95 = times[int(len(times) * 0.95)]
                worst = max(worst, p95)
                print(f'{path:<60} p50 {times[len(times) // 2]:6.1f} ms   p95 {p95:6.1f} ms   {len(body) / 1000:6.1f} kB', flush=True)
            weight = first_view(browser)
        finally:
            process.terminate()
            process.wait(30)
    result = {'p95_ms': round(worst, 1), 'first_view_kb': round(weight, 1)}
    result['pass'] = worst <= LIMIT_MS and weight <= LIMIT_KB
    print(json.dumps(result))
    sys.exit(0 if result['pass'] else 1)


if __name__ == '__main__':
    main()
