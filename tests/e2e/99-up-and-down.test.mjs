// `bin/up` on an installation that runs, and `bin/down`: what happens to the program, the containers and the data.
// The last of the files: the instances of the stories before are there.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import http from "node:http";
import { test } from "node:test";
import { PORTAL, eventually } from "./support.mjs";

const ROOT = new URL("../..", import.meta.url).pathname;
const { CONTROL_URL, PSQL, SAYOO_NAME, SAYOO_VAR } = process.env;
const run = (command) => execFileSync(`${ROOT}bin/${command}`, { cwd: ROOT, encoding: "utf8", env: { ...process.env, DATABASE_URL: "" }, stdio: ["ignore", "pipe", "inherit"] });
const sql = (text) => execFileSync(PSQL, ["-d", CONTROL_URL, "-qAtX", "-c", text], { encoding: "utf8" }).trim();
const program = () => readFileSync(`${SAYOO_VAR}/run/sayoo.pid`, "utf8").trim();
const containers = () => execFileSync("docker", ["ps", "-q", "--filter", `label=sayoo.installation=${SAYOO_NAME}`], { encoding: "utf8" }).split("\n").filter(Boolean).sort();

// The status of a page; 0 when nobody answers.
const statusOf = (host, path) => new Promise((resolve) => {
  const at = new URL(PORTAL);
  http.get({ host: "127.0.0.1", port: at.port, path, headers: { host, accept: "text/html" }, timeout: 10_000 }, (response) => {
    response.resume();
    resolve(response.statusCode);
  }).on("error", () => resolve(0)).on("timeout", function () { this.destroy(); });
});

test("bin/up again changes nothing, and bin/down and bin/up lose nothing", async () => {
  const portal = new URL(PORTAL).host;
  const name = sql("SELECT subdomains.name FROM environments JOIN subdomains ON environment_id = environments.id WHERE status = 'running' ORDER BY environments.created_at LIMIT 1");
  assert.notEqual(name, "", "an instance that runs");
  const instance = `${name}.${portal}`;
  const isThere = async () => (await statusOf(instance, "/web/login")) === 200;
  await eventually("the instance", 180, isThere);
  const kept = () => sql("SELECT (SELECT count(*) FROM users) || ' people, ' || (SELECT count(*) FROM environments WHERE status <> 'deleted') || ' instances'");
  const [before, pid] = [kept(), program()];
  const ran = containers();

  run("up");
  assert.equal(program(), pid, "the program that ran goes on");
  const after = containers();
  assert.deepEqual(ran.filter((id) => !after.includes(id)), [], "no container was replaced");
  assert.ok(await isThere());

  run("down");
  assert.equal(await statusOf(portal, "/"), 0, "nobody answers any more");
  run("up");
  await eventually("the instance after bin/down", 180, isThere);
  assert.equal(await statusOf(portal, "/login"), 200);
  assert.equal(kept(), before);
});
