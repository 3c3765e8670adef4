"""Asks `sayoo web` for the pages of an account with 100 instances that say what was used and what it costs.

The time is taken at the client, on one connection. The floor is a page of the same server that reads the session and nothing else of
size. The last line is JSON: `p99_ms` of the slowest page.
"""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

# What starts the server and asks it is the same as for all pages.
HERE = pathlib.Path(__file__).resolve().parent
SPEC = importlib.util.spec_from_file_location('pages', HERE.parent / 'pages' / 'measure.py')
pages = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(pages)

ROUNDS, WARM, LIMIT_MS = int(sys.argv[1]) if len(sys.argv) > 1 else 1000, 50, 50
INSTANCES = 100
FLOOR = '/account/billing/proof'
SHOP = '/instances/00000000-0000-7000-9000-000000000001'
PAGES = ['/account/billing', '/instances', f'{SHOP}/usage', f'{SHOP}/usage?period=30d', f'{SHOP}']
# Who sells, so that the month has a calendar; the month is open.
SELLER = """INSERT INTO sellers (id, code, country, currency, timezone, trial_days, created_at)
VALUES (gen_random_uuid(), 'FR', 'FR', 'EUR', 'Europe/Paris', 0, now()) ON CONFLICT DO NOTHING"""


def percentile(times, part):
    return sorted(times)[min(int(len(times) * part), len(times) - 1)]


def measured(browser, path):
    times = []
    for _ in range(WARM + ROUNDS):
        took, answer, body = browser.get(path, logged_in=True)
        if answer.status != 200:
            sys.exit(f'{path}: {answer.status} {answer.getheader("location")}')
        times.append(took)
    times = times[WARM:]
    print(f'{path:<60} p50 {percentile(times, 0.5):6.1f} ms   p99 {percentile(times, 0.99):6.1f} ms   {len(body) / 1000:6.1f} kB', flush=True)
    return percentile(times, 0.99)


def main():
    database, psql = os.environ['DATABASE_URL'], os.environ.get('PSQL', 'psql')
    data = HERE.parent / 'pages' / 'data.sql'
    subprocess.run([psql, '-q', '-v', 'ON_ERROR_STOP=1', '-v', f'instances={INSTANCES}', database, '-f', data], check=True)
    subprocess.run([psql, '-q', '-v', 'ON_ERROR_STOP=1', database, '-c', SELLER], check=True)
    port = pages.free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        pages.configuration(folder, database, port)
        process = subprocess.Popen([os.environ['SAYOO_BIN'], '--config', folder / 'sayoo.toml', 'web'],
                                   env={**os.environ, 'RUST_LOG': 'warn'}, stdout=sys.stderr)
        try:
            pages.wait_until_served(port, process)
            browser = pages.Browser(port)
            floor = measured(browser, FLOOR)
            worst = max(measured(browser, path) for path in PAGES)
        finally:
            process.terminate()
            process.wait(30)
    result = {'instances': INSTANCES, 'p99_ms': round(worst, 1), 'floor_p99_ms': round(floor, 1), 'pass': worst <= LIMIT_MS}
    print(json.dumps(result))
    sys.exit(0 if result['pass'] else 1)


if __name__ == '__main__':
    main()
