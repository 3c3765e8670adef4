// What is in docker/ besides the instance image: compose accepts its file, and the image of
// sayoo itself is built and runs as it will in production: not root, nothing writable.

import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "..", "..");
const image = "sayoo/sayoo:test";
let copy;

function run(program, ...args) {
  const options = { cwd: root, encoding: "utf8", env: { ...process.env, SAYOO_IMAGE: image } };
  const { status, stdout, stderr, error } = spawnSync(program, args, options);
  return { status, stdout, stderr: error ? String(error) : stderr };
}

before(() => {
  // A copy, because secrets belong beside the file and none are to be left in the clone.
  copy = mkdtempSync(join(tmpdir(), "sayoo-docker-"));
  cpSync(join(root, "docker"), copy, { recursive: true, filter: (path) => !path.includes("compose/secrets") });
});

after(() => {
  rmSync(copy, { recursive: true, force: true });
  run("docker", "image", "rm", image);
});

test("compose accepts the file with the secrets that its script makes", () => {
  const made = run(join(copy, "compose/make-secrets"), "portal.example.com", "example.net", "smtps://u:p@mail.example.com");
  assert.equal(made.status, 0, made.stderr);
  const file = join(copy, "compose.yml");
  const plugin = run("docker", "compose", "version").status === 0;
  const config = plugin ? run("docker", "compose", "-f", file, "config") : run("docker-compose", "-f", file, "config");
  assert.equal(config.status, 0, config.stderr);
});

test("each process of compose has its own passwords and no other's", () => {
  const secrets = join(copy, "compose", "secrets");
  const passwords = readdirSync(secrets).filter((name) => name.endsWith("_password"));
  const allowed = {
    "owner.toml": ["owner"],
    "setup.toml": ["owner", "platform", "worker"],
    "web.toml": ["web"],
    "worker.toml": ["platform", "sandbox", "worker"],
    "proxy.toml": ["proxy"],
  };
  for (const [file, roles] of Object.entries(allowed)) {
    const text = readFileSync(join(secrets, file), "utf8");
    const found = passwords
      .filter((name) => text.includes(readFileSync(join(secrets, name), "utf8")))
      .map((name) => name.replace("_password", ""));
    assert.deepEqual(found.sort(), roles, file);
  }
});

test("secrets that exist are never overwritten", () => {
  const again = run(join(copy, "compose/make-secrets"), "localhost", "localhost");
  assert.equal(again.status, 1);
  assert.match(again.stderr, /never overwritten/);
});

test("the image of sayoo is small, not root, and runs with nothing writable", () => {
  const built = run("docker/sayoo/build", process.env.SAYOO ?? "target/release/sayoo");
  assert.equal(built.status, 0, built.stderr);
  assert.equal(built.stdout.trim(), image);
  const help = run("docker", "run", "--rm", "--read-only", "--cap-drop", "ALL", "--network", "none", image, "--help");
  assert.equal(help.status, 0, help.stderr);
  assert.match(help.stdout, /Usage: sayoo/);
  const seen = run("docker", "image", "inspect", "--format", "{{.Config.User}} {{.Size}}", image).stdout.split(" ");
  assert.equal(seen[0], "10001:10001");
  // What is tried here was built for development; the image that customers get is less than half of it.
  assert.ok(Number(seen[1]) < 230e6, `${seen[1]} bytes`);
});
