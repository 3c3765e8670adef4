// The instance image with a real Odoo: what the platform and its customers rely on.
//
// Needs the image (ODOO_IMAGE, by default sayoo/odoo:19.0), Docker, psql, and in DATABASE_URL a superuser of a Postgres
// server that containers reach through Docker's gateway. It makes a template as the platform does, two clones of it,
// and lets two instances loose on each other.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { Bench } from "./odoo/bench.mjs";
import { listen } from "./odoo/websocket.mjs";

const root = join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "..", "..");
const bench = new Bench(process.env.DATABASE_URL, process.env.ODOO_IMAGE ?? "sayoo/odoo:19.0");
const zoe = {
  owner: "0193-a", admin_email: "zoe@example.com", admin_name: "Zoé <b>", language: "fr_FR", timezone: "Africa/Casablanca",
  company: "L’Épicerie d'Aïcha", country: "MA", currency: "MAD", address: "http://acme.localhost:8080",
  password_hash: `$pbkdf2-sha512$600000$${"A".repeat(22)}$${"B".repeat(86)}`,
};
let a, b;

// As src/odoo/personalise.rs fills it.
function personalise(values) {
  const files = ["personalise.sql", "readdress.sql"].map((name) => readFileSync(join(root, "src/odoo", name), "utf8"));
  const sql = files.join("\n;\n");
  return Object.entries(values).reduce(
    (text, [name, value]) =>
      text.replaceAll(`{${name}}`, `pg_catalog.convert_from(pg_catalog.decode('${Buffer.from(value).toString("hex")}', 'hex'), 'UTF8')`),
    sql,
  );
}

// The compressed parts of a PDF.
function unpacked(pdf) {
  const parts = [...pdf.matchAll(/stream\r?\n([\s\S]*?)\r?\nendstream/g)].map(([, part]) => {
    try {
      return inflateSync(Buffer.from(part, "latin1")).toString("latin1");
    } catch {
      return "";
    }
  });
  return parts.join("\n");
}

before(async () => {
  await bench.makeTemplate({ language: "fr_FR", modules: "" });
  [a, b] = await Promise.all([bench.start("a"), bench.start("b")]);
}, { timeout: 300_000 });

after(() => bench.clear());

test("a template has its attachments and its first pages' assets in the database", () => {
  const count = (where) => Number(bench.sql(a.database, `SELECT count(*) FROM ir_attachment WHERE ${where}`));
  assert.equal(count("store_fname IS NOT NULL"), 0);
  assert.ok(count("url LIKE '/web/assets/%web.assets_web.min.js'") > 0);
  assert.equal(bench.sql(a.database, "SELECT value FROM ir_config_parameter WHERE key = 'ir_attachment.location'"), "db");
});

test("an instance opens no database but its own, and could not", () => {
  const places = bench.sql("postgres", `SELECT DISTINCT datname FROM pg_stat_activity WHERE usename = '${a.role}'`);
  assert.equal(places, a.database);
  for (const other of ["postgres", "template1", b.database]) {
    assert.match(bench.refusal(a, other), /permission denied for database|not currently accepting/);
  }
});

test("the database manager is not there", async () => {
  for (const path of ["selector", "manager"]) assert.equal((await fetch(`${a.url}/web/database/${path}`)).status, 404);
  for (const path of ["create", "drop", "backup", "duplicate", "restore", "change_password"]) {
    const body = new URLSearchParams({ master_pwd: "admin", name: a.database, lang: "en_US", password: "x" });
    assert.equal((await fetch(`${a.url}/web/database/${path}`, { method: "POST", body })).status, 404, path);
  }
  assert.equal((await bench.rpc(a, "/web/database/list", {})).error.data.name, "odoo.exceptions.AccessDenied");
  const dump = await bench.rpc(a, "/jsonrpc", { service: "db", method: "dump", args: ["admin", a.database, "zip"] });
  assert.equal(dump.error.data.name, "odoo.exceptions.AccessDenied");
});

test("personalising a running spare shows at once, and once only", async () => {
  // Fills the caches that must be dropped.
  await fetch(`${a.url}/web/login`);
  bench.sqlAs(a, personalise(zoe));
  const secret = bench.sql(a.database, "SELECT value FROM ir_config_parameter WHERE key = 'database.secret'");
  bench.sqlAs(a, personalise(zoe));
  assert.equal(bench.sql(a.database, "SELECT value FROM ir_config_parameter WHERE key = 'database.secret'"), secret);
  assert.notEqual(bench.sql(b.database, "SELECT value FROM ir_config_parameter WHERE key = 'database.secret'"), secret);
  assert.throws(() => bench.sqlAs(a, personalise({ ...zoe, owner: "0193-b" })), /belongs to/);

  const answer = await bench.login(a, bench.ticket(a, zoe.admin_email));
  assert.equal(answer.status, 303);
  assert.equal(new URL(answer.headers.get("location"), a.url).pathname, "/odoo");
  const info = await bench.sessionInfo(a, answer);
  assert.equal(info.username, zoe.admin_email);
  assert.equal(info.name, zoe.admin_name);
  assert.equal(info.is_admin, true);
  assert.equal(info.user_context.lang, "fr_FR");
  assert.equal(info.user_context.tz, "Africa/Casablanca");
  assert.equal(Object.values(info.user_companies.allowed_companies)[0].name, zoe.company);
  assert.equal(info["web.base.url"], zoe.address);
});

test("a ticket works once, even when it comes twice at the same moment", async () => {
  const ticket = bench.ticket(a, zoe.admin_email);
  const twice = await Promise.all([bench.login(a, ticket), bench.login(a, ticket)]);
  assert.deepEqual(twice.map((answer) => answer.status).sort(), [303, 403]);
  const again = await bench.login(a, ticket, { "Accept-Language": "fr" });
  assert.equal(again.status, 403);
});

test("a refusal is a page in the reader's language with a way back", async () => {
  const ticket = bench.ticket(a, "nobody@example.com", { lang: "ar" });
  const page = await (await bench.login(a, ticket)).text();
  assert.match(page, /<html lang="ar" dir="rtl">/);
  assert.match(page, /href="http:\/\/portal\.localhost:8080"/);
  assert.ok(!page.includes(ticket));
});

test("nothing but a fresh ticket of the portal for this very instance opens it", async () => {
  const now = Math.floor(Date.now() / 1000);
  const refused = {
    "another instance's": bench.ticket(b, zoe.admin_email),
    "an expired one": bench.ticket(a, zoe.admin_email, { exp: now - 1 }),
    "one that lives too long": bench.ticket(a, zoe.admin_email, { exp: now + 3600 }),
    "one signed by somebody else": bench.ticket(a, zoe.admin_email, {}, "stranger"),
    "one for the system's user": bench.ticket(a, "__system__"),
    "one for a user who is not internal": bench.ticket(a, "portaltemplate"),
    "one without a random id": bench.ticket(a, zoe.admin_email, { jti: "" }),
    "one with an expiry that is no number": bench.ticket(a, zoe.admin_email, { exp: String(now + 30) }),
    "half a one": bench.ticket(a, zoe.admin_email).split(".")[0],
    nothing: "",
    noise: "é".repeat(5000),
  };
  for (const [what, ticket] of Object.entries(refused)) assert.equal((await bench.login(a, ticket)).status, 403, what);
  assert.equal((await fetch(`${a.url}/sayoo/login?token=${bench.ticket(a, zoe.admin_email)}`)).status, 405);
});

test("reports come as PDF, one document or several, and know where each begins", async () => {
  assert.match(bench.inside(a, "wkhtmltopdf", "--version").stdout, /0\.12\.\d.*with patched qt/, "several documents in one file");
  const headers = { Cookie: bench.cookie(await bench.login(a, bench.ticket(a, zoe.admin_email))) };
  const print = async (ids) => {
    const answer = await fetch(`${a.url}/report/pdf/base.report_irmodeloverview/${ids}`, { headers });
    const pdf = Buffer.from(await answer.arrayBuffer()).toString("latin1");
    assert.equal(answer.headers.get("content-type"), "application/pdf", pdf.slice(0, 500));
    assert.match(pdf, /^%PDF-/);
    const objects = pdf + unpacked(pdf);
    assert.match(objects, /\/FontFile[23]?\b/, "fonts are in it");
    return objects.match(/\/Type\s*\/Page\b/g).length;
  };
  const [one, other] = [await print("1"), await print("2")];
  assert.ok(one >= 1 && other >= 1);
  assert.equal(await print("1,2"), one + other);
});

test("the live bus carries a message to its own instance and to no other", async () => {
  const ears = await Promise.all([a, b].map((instance) => listen(instance.url, "sayoo_test")));
  const say = (instance, text) => bench.sqlAs(instance, `
    INSERT INTO bus_bus (channel, message, create_date)
    VALUES ('["${instance.database}","sayoo_test"]', '{"type": "${text}", "payload": {}}', now() AT TIME ZONE 'UTC');
    SELECT pg_notify('imbus', '[["${instance.database}","sayoo_test"]]');`);
  say(a, "to a");
  assert.equal(await ears[0].next(), "to a");
  say(b, "to b");
  assert.equal(await ears[1].next(), "to b", "and what was said to a never came");
  for (const ear of ears) ear.close();
});

test("a session outlives its container", async () => {
  const cookie = bench.cookie(await bench.login(a, bench.ticket(a, zoe.admin_email)));
  await bench.replace(a);
  const info = await bench.sessionInfo(a, cookie);
  assert.equal(info.username, zoe.admin_email);
});

test("each port proves whose it is to who asks before HTTP, and to nobody over HTTP", async () => {
  const key = createHmac("sha256", a.password).update("sayoo proof").digest();
  const question = randomBytes(16);
  const proof = createHmac("sha256", key).update(question).digest("hex");
  const ask = `SAYOO-PROOF ${question.toString("hex")}\r\n\r\n`;
  const http = "GET /sayoo/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  const said = await bench.talk(a, ask + http);
  assert.ok(said.startsWith(`${proof}\nHTTP/1.`) && said.includes(" 200 "), `${said.slice(0, 200)}`);
  assert.ok(!(await bench.talk(b, ask + http)).startsWith(proof), "another one cannot");
  for (const nonsense of ["SAYOO-PROOF zz\r\n\r\n", `SAYOO-PROOF ${"0".repeat(64)}\r\n\r\n`]) {
    assert.doesNotMatch(await bench.talk(a, nonsense + http), /^[0-9a-f]{64}/);
  }
  const inside = await bench.talk(a, `GET /sayoo/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n${ask}`);
  assert.ok(!inside.includes(proof), "after a request it is none");
});

test("a flood of log lines does not reach Docker's daemon, and nobody in the container gets a way to it", () => {
  // What hostile code would do that runs as Odoo's user: a flood where Odoo writes, and by way of the first process.
  const flood = `
import os
def tried(path):
    try:
        return os.open(path, os.O_WRONLY)
    except OSError as error:
        print(path, error.strerror)
tried('/proc/1/fd/1'), tried('/proc/1/fd/2'), tried('/proc/1/mem')
[odoo] = [pid for pid in os.listdir('/proc') if pid.isdigit() and pid not in ('1', str(os.getpid())) and b'sayoo-odoo' in open(f'/proc/{pid}/cmdline', 'rb').read()]
out, lines = tried(f'/proc/{odoo}/fd/1'), (b'bomb ' * 40 + b'\\n') * 300
for _ in range(2000):
    os.write(out, lines)
print('flooded')`;
  const { stdout, stderr } = bench.inside(b, "python3", "-c", flood);
  const denied = ["/proc/1/fd/1", "/proc/1/fd/2", "/proc/1/mem"].map((path) => `${path} Permission denied\n`).join("");
  assert.ok(stdout.startsWith(denied), stdout + stderr);
  assert.ok(stdout.endsWith("flooded\n"), stdout + stderr);
  const reached = bench.logs(b).length;
  assert.ok(reached < 60e6, `${reached} bytes of 120 million reached the daemon`);
});

test("a container waits for its database, is healthy, and can write nowhere", async () => {
  const c = await bench.start("c", { databaseAfter: 1500 });
  assert.equal((await fetch(`${c.url}/web/login`)).status, 200);
  assert.equal(bench.inside(c, "/opt/sayoo/bin/health").status, 0);
  assert.notEqual(bench.inside(c, "touch", "/opt/sayoo/x").status, 0);
  assert.match(bench.inside(c, "id", "-u").stdout, /^10001/);
  assert.ok(!bench.inspect(c).includes(c.password), "the password is in a file, not in what Docker tells");
});

test("what the worker tries from inside on each machine finds nothing in the real image", () => {
  const read = (name) => readFileSync(join(root, "src/hosts/probes", name), "utf8");
  // As src/hosts/probes/mod.rs puts it together; nobody waits for it here.
  const program = `${read("database.py")}\n\n${read("probe.py")}`.replace("\ntime.sleep(STAYS)", "");
  const own = `gateway ${bench.server.port || "5432"} ${a.role} ${a.password} ${a.database}`;
  const facts = JSON.parse(bench.docker("run", "--rm", "--init", ...bench.hardening, "--memory", "128m", "--cpus", "0.5",
    "--env", `SAYOO_PROBE_DATABASE=${own}`, "--entrypoint", "/usr/bin/python3", bench.image, "-I", "-S", "-c", program));
  assert.equal(facts.user, 10001);
  for (const nothing of ["writable", "mounts", "devices", "sockets", "unmasked"]) assert.deepEqual(facts[nothing], [], nothing);
  assert.ok(facts.bombs.tasks <= 256 && facts.bombs.memory !== null && facts.bombs.cpu_millis === 500, JSON.stringify(facts.bombs));
  assert.ok(facts.database.tried > 50 && !facts.database.failure, JSON.stringify(facts.database));
  // Databases of other tests on this server may let everybody in.
  const wrong = facts.database.wrong.filter((one) => !one.startsWith("connects to ") || /(postgres|template1)$/.test(one));
  assert.deepEqual(wrong, []);
});
