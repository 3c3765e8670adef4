// The shell code in bin/lib: what it writes once, what it counts, what it says.

import { test } from "node:test";
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { emptyFolder, root, shell } from "./shell.mjs";

function count(text) {
  const folder = emptyFolder();
  const file = join(folder, "output");
  writeFileSync(file, text);
  return shell(`add_up ${file}; echo "$PASSED $FAILED"`, folder).stdout.trim();
}

test("what cargo-nextest, cargo test and node report is added up", () => {
  assert.equal(count("     Summary [   0.026s] 7 tests run: 4 passed (1 slow), 2 failed, 1 timed out, 6 skipped\n"), "4 3");
  assert.equal(count("test result: ok. 3 passed; 0 failed; 0 ignored\ntest result: FAILED. 2 passed; 1 failed; 0 ignored\n"), "5 1");
  assert.equal(count("# tests 4\n# pass 3\n# fail 1\n# cancelled 0\n"), "3 1");
  assert.equal(count("\u001b[34mℹ pass 12\u001b[39m\n\u001b[34mℹ fail 0\u001b[39m\n"), "12 0");
});

test("a runner that ends badly without naming a test counts as one failure", () => {
  const { stdout, status } = shell("counted broken false\nverdict");
  assert.match(stdout, /\n0 passed, 1 failed\n$/);
  assert.equal(status, 1);
});

test("a run in which nothing was tested is no success", () => {
  assert.equal(shell("verdict").status, 1);
});

test("secrets are made once, for their owner only", () => {
  const folder = emptyFolder();
  assert.equal(shell("ensure_secrets", folder).status, 0);
  const key = join(folder, "secrets", "sealing.key");
  const first = readFileSync(key, "utf8");
  assert.match(first, /^[0-9a-f]{64}$/);
  assert.equal(statSync(key).mode & 0o777, 0o600);
  assert.equal(statSync(join(folder, "secrets")).mode & 0o777, 0o700);
  assert.equal(readFileSync(join(folder, "secrets", "cookie.key"), "utf8").length, 128);
  shell("ensure_secrets", folder);
  assert.equal(readFileSync(key, "utf8"), first);
});

test("the configuration is written once and edits to it stay", () => {
  const folder = emptyFolder();
  const write = "load_settings; ensure_secrets; docker_gateway() { echo 172.17.0.1; }; ensure_configuration";
  assert.equal(shell(write, folder).status, 0);
  const file = join(folder, "sayoo.toml");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  writeFileSync(file, readFileSync(file, "utf8").replace("spares = 2", "spares = 5"));
  assert.equal(shell(write, folder).status, 0);
  assert.equal(shell("configured pool spares", folder).stdout.trim(), "5");
  assert.equal(shell("configured public portal_url", folder).stdout.trim(), "http://localhost:8080");
});

test("the configuration has every section of the example", () => {
  const folder = emptyFolder();
  shell("load_settings; ensure_secrets; docker_gateway() { echo 172.17.0.1; }; ensure_configuration", folder);
  const keys = (text) => text.split("\n").filter((line) => /^(\[|[a-z_]+ =)/.test(line)).map((line) => line.split(" ")[0]);
  const written = keys(readFileSync(join(folder, "sayoo.toml"), "utf8"));
  const example = keys(readFileSync(join(root, "docs", "sayoo.example.toml"), "utf8"));
  // Without certificates of somebody's own the portal speaks plain HTTP, without SMTP mails are caught, without Stripe's keys no
  // cards are taken, and without an Odoo of our own no books are kept in it.
  let isLeftOut = false;
  const expected = example.filter((key) => {
    if (key.startsWith("[")) isLeftOut = key.startsWith("[tls") || key.startsWith("[books") || key === "[payments]";
    return !isLeftOut && key !== "smtp_url";
  });
  assert.ok(expected.length < example.length - 10 && expected.includes("[mail]"));
  assert.deepEqual(written, expected);
});

test("a control database of somebody's own is used for every process", () => {
  const folder = emptyFolder();
  const url = "postgres://me:word@db.example.com/sayoo";
  shell("load_settings; ensure_secrets; docker_gateway() { echo 172.17.0.1; }; ensure_configuration", folder, { DATABASE_URL: url });
  for (const role of ["owner", "web", "worker", "proxy"]) {
    assert.equal(shell(`configured database ${role}_url`, folder).stdout.trim(), url);
  }
});

test("the ports of the first run are those of every later one", () => {
  const folder = emptyFolder();
  shell("load_settings; save_settings", folder, { SAYOO_PORT: "9000", SAYOO_NAME: "other" });
  assert.equal(shell("load_settings; echo $SAYOO_PORT $SAYOO_WEB_PORT $SAYOO_NAME", folder).stdout.trim(), "9000 9001 other");
  const moved = shell("load_settings", folder, { SAYOO_PORT: "9100" });
  assert.equal(moved.status, 1);
  assert.match(moved.stderr, /uses port 9000, not 9100/);
});

test("a port that is taken is passed over", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  assert.ok(Number(shell(`free_port ${port}`).stdout) > port);
  server.close();
});

test("steps run side by side, and the first failure ends the others", () => {
  const began = Date.now();
  const { status, stderr, folder } = shell(`
    slow() { sleep 60; touch "$SAYOO_VAR/slow-ended"; }
    bad() { echo oops; return 3; }
    run_together image slow -- program bad`);
  assert.equal(status, 1);
  assert.match(stderr, /oops/);
  assert.match(stderr, /the program could not be built/);
  assert.ok(Date.now() - began < 20_000);
  assert.ok(!existsSync(join(folder, "slow-ended")));
});
