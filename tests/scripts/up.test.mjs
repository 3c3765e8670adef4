// `bin/up` on an installation that runs, and `bin/down`: what happens to the program, the containers and the data.
// bin/test runs this after the stories in the browser, whose instances are there.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import http from "node:http";
import { test } from "node:test";

const ROOT = new URL("../..", import.meta.url).pathname;
const { CONTROL_URL, PORTAL_URL, SAYOO_NAME, SAYOO_VAR } = process.env;
const run = (command) => execFileSync(`${ROOT}bin/${command}`, { cwd: ROOT, encoding: "utf8", env: { ...process.env, DATABASE_URL: "" }, stdio: ["ignore", "pipe", "inherit"] });
const sql = (text) => execFileSync("psql", ["-d", CONTROL_URL, "-qAtX", "-c", text], { encoding: "utf8" }).trim();
const program = () => readFileSync(`${SAYOO_VAR}/run/sayoo.pid`, "utf8").trim();
const containers = () => execFileSync("docker", ["ps", "-q", "--filter", `label=sayoo.installation=${SAYOO_NAME}`], { encoding: "utf8" }).split("\n").filter(Boolean).sort();

// The status of a page; 0 when nobody answers.
const statusOf = (host, path) => new Promise((resolve) => {
  const at = new URL(PORTAL_URL);
  http.get({ host: "127.0.0.1", port: at.port, path, headers: { host, accept: "text/html" }, timeout: 10_000 }, (response) => {
    response.resume();
    resolve(response.statusCode);
  }).on("error", () => resolve(0)).on("timeout", function () { this.destroy(); });
});

async function until(what, isSo) {
  for (const end = Date.now() + 180_000; Date.now() < end;) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  assert.fail(`${what} did not come about`);
}

test("bin/up again changes nothing, and bin/down and bin/up lose nothing", async () => {
  const portal = new URL(PORTAL_URL).host;
  const name = sql("SELECT subdomains.name FROM environments JOIN subdomains ON environment_id = environments.id WHERE status = 'running' ORDER BY environments.created_at LIMIT 1");
  assert.notEqual(name, "", "an instance that runs");
  const instance = `${name}.${portal}`;
  const isThere = async () => (await statusOf(instance, "/web/login")) === 200;
  await until("the instance", isThere);
  const kept = () => sql("SELECT (SELECT count(*) FROM users) || ' people, ' || (SELECT count(*) FROM environments WHERE status <> 'deleted') || ' instances'");
  const [before, pid] = [kept(), program()];
  const mine = () => containers().filter((id) => execFileSync("docker", ["inspect", "--format", "{{.State.Status}}", id], { encoding: "utf8" }).trim() === "running");
  const ran = mine();

  run("up");
  assert.equal(program(), pid, "the program that ran goes on");
  const after = mine();
  assert.deepEqual(ran.filter((id) => !after.includes(id)), [], "no container was replaced");
  assert.ok(await isThere());

  run("down");
  assert.equal(await statusOf(portal, "/"), 0, "nobody answers any more");
  run("up");
  await until("the instance after bin/down", isThere);
  assert.equal(await statusOf(portal, "/login"), 200);
  assert.equal(kept(), before);
});
