// What bin/up asks of a machine that it has never seen: packages, Rust, root, Docker, ports. The commands of such a
// machine are stand-ins.

import { test } from "node:test";
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { emptyFolder, shell } from "./shell.mjs";

// Nothing but these commands, and what a bare Debian has.
const BARE = ["bash", "cat", "cut", "date", "dirname", "env", "find", "getent", "grep", "head", "id", "ls", "mkdir", "mv", "chmod", "realpath", "rm",
  "sed", "seq", "sleep", "sort", "tail", "tee", "touch", "tr", "wc", "awk", "printf", "readlink", "sha256sum", "basename"];

// A machine: a folder of commands, each a shell script that also writes down how it was called.
function machine(commands) {
  const folder = emptyFolder();
  const bin = join(folder, "commands");
  mkdirSync(bin);
  const calls = join(folder, "calls");
  writeFileSync(calls, "");
  for (const [name, script] of Object.entries(commands)) {
    writeFileSync(join(bin, name), `#!/bin/bash\necho "${name} $*" >>${calls}\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const real = BARE.map((name) => `ln -s "$(PATH=/usr/bin:/bin command -v ${name})" ${bin}/${name} 2>/dev/null || true`).join("; ");
  // The library adds the folders of root's programs, which on this machine are not those of the stand-in.
  const only = `${real}; PATH=${bin}; hash -r`;
  return {
    folder,
    calls: () => readFileSync(calls, "utf8"),
    run: (text, env = {}) => shell(`${only}\n${text}`, folder, env),
  };
}

const DEBIAN_13 = { "apt-cache": "exit 0" };
const DEBIAN_12 = { "apt-cache": "exit 100" };
const INSTALLING = { sudo: 'if [ "$1" = -n ]; then shift; fi; "$@"', "apt-get": "exit 0", dpkg: "", "dpkg-query": "echo not-installed" };
const NO_POSTGRES = "postgres_programs() { return 1; }; is_root() { false; }; write_docker_configuration() { :; }; has_systemd() { false; }; DOCKER_CONFIGURATION=$SAYOO_VAR/daemon.json";

test("what a bare machine lacks is installed, and Docker's client where it is a package of its own", () => {
  for (const [debian, client] of [[DEBIAN_12, false], [DEBIAN_13, true]]) {
    const bare = machine({ ...INSTALLING, ...debian, sed: "exit 0" });
    const { status, stderr, stdout } = bare.run(`${NO_POSTGRES}; install_packages for_running`);
    assert.equal(status, 0, stderr + stdout);
    const [installed] = bare.calls().split("\n").filter((line) => /^apt-get install .*docker\.io/.test(line));
    for (const name of ["mmdebstrap", "python3-pip", "npm", "nodejs", "build-essential", "pkg-config", "postgresql", "iproute2"]) {
      assert.ok(installed.includes(` ${name}`), `${name} is not in: ${installed}`);
    }
    assert.equal(installed.includes("docker-cli"), client, installed);
    assert.ok(!installed.includes("chromium"), "what only tests need");
    assert.match(bare.calls(), /apt-get install .* postgresql-common\n/, "before the server, so that it makes no cluster");
  }
});

test("a machine that has everything is not asked for root", () => {
  const names = ["dockerd", "docker", "mmdebstrap", "pip3", "npm", "node", "cc", "pkg-config", "curl", "python3", "ip", "setsid", "sg", "apparmor_parser"];
  const full = machine({ ...Object.fromEntries(names.map((name) => [name, ""])), "dpkg-query": "echo -n installed", sudo: "exit 1" });
  const { status, stderr } = full.run("postgres_programs() { echo /x; }; is_root() { false; }; install_packages for_running");
  assert.equal(status, 0, stderr);
  assert.doesNotMatch(full.calls(), /sudo|apt-get/);
});

test("a machine that is no Debian is told what it lacks", () => {
  const other = machine({ "dpkg-query": "exit 127" });
  const { status, stderr } = other.run(`${NO_POSTGRES}; install_packages for_running`);
  assert.equal(status, 1);
  assert.match(stderr, /not a Debian machine.*mmdebstrap/);
});

test("without Rust, with an old one, and with a rustup that has none it is said what to do", () => {
  const rust = (commands) => machine({ ...commands }).run("HOME=$SAYOO_VAR; check_rust");
  const missing = rust({});
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /cargo is not on the PATH[\s\S]*https:\/\/rustup\.rs/);
  const old = { cargo: "", rustc: "echo rustc 1.63.0" };
  assert.match(rust(old).stderr, /Rust 1\.63\.0 in .* is too old[\s\S]*https:\/\/rustup\.rs/);
  assert.match(rust({ ...old, rustup: "" }).stderr, /too old[\s\S]*rustup update stable/);
  assert.match(rust({ cargo: "", rustc: "exit 1", rustup: "" }).stderr, /rustup default stable/);
  assert.equal(rust({ cargo: "", rustc: "echo rustc 1.999.0" }).status, 0);
});

test("cargo is found where rustup puts it, also by a service that has no HOME", () => {
  const { stdout } = shell("echo $HOME", emptyFolder(), { HOME: "" });
  assert.match(stdout, /^\/\S+\n$/);
  assert.match(shell("echo $PATH").stdout, /\/usr\/sbin/);
});

test("who may not become root is told how, and nothing in the background waits for a password", () => {
  const nobody = machine({ sudo: "exit 1" });
  const refused = nobody.run("is_root() { false; }; ask_for_root");
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /sudo does not let[\s\S]*usermod -aG sudo/);
  const without = machine({}).run("is_root() { false; }; ask_for_root");
  assert.equal(without.status, 1);
  assert.match(without.stderr, /Run bin\/up as root, or install sudo/);

  const asking = machine({ sudo: 'if [ "$1" = -n ]; then echo "sudo: a password is required" >&2; exit 1; fi; sleep 60' });
  const began = Date.now();
  const { status, stderr } = asking.run("is_root() { false; }; step() { as_root apt-get update; }; run_together packages step");
  assert.equal(status, 1);
  assert.match(stderr, /a password is required/);
  assert.ok(Date.now() - began < 20_000);
});

test("with systemd Docker is started by it, for every boot; one that does not start is not waited for", () => {
  const up = machine({ systemctl: "touch $SAYOO_VAR/runs", docker: '[ -e "$SAYOO_VAR/runs" ] && echo 26.1' });
  const stand = "is_root() { true; }; has_systemd() { true; }; write_docker_configuration() { :; }";
  const { status, stdout } = up.run(`${stand}; start_docker`);
  assert.equal(status, 0);
  assert.match(stdout, /Docker started/);
  assert.match(up.calls(), /systemctl enable --now docker/);

  const down = machine({ systemctl: "echo Job for docker.service failed >&2; exit 1", docker: "exit 1" });
  const began = Date.now();
  const failed = down.run(`${stand}; start_docker`);
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /docker\.service failed[\s\S]*journalctl -u docker/);
  assert.ok(Date.now() - began < 20_000);
});

test("a Docker that lets containers talk is refused, unless nobody has used it yet", () => {
  const open = 'case "$*" in *inspect*) if [ -e "$SAYOO_VAR/daemon.json" ]; then echo "ip=127.0.0.1 icc=false"; else echo "ip=0.0.0.0 icc=true"; fi ;; version*) echo 26.1 ;; "ps --all --quiet") cat "$SAYOO_VAR/containers" ;; esac';
  const stand = "is_root() { true; }; has_systemd() { true; }; DOCKER_CONFIGURATION=$SAYOO_VAR/daemon.json";
  const used = machine({ docker: open, systemctl: "" });
  writeFileSync(join(used.folder, "containers"), "abc\n");
  const { status, stderr } = used.run(`${stand}; check_docker_flags`);
  assert.equal(status, 1);
  assert.match(stderr, /"icc": false "ip": "127\.0\.0\.1"[\s\S]*daemon\.json[\s\S]*systemctl restart docker/);
  assert.ok(!existsSync(join(used.folder, "daemon.json")));

  const fresh = machine({ docker: open, systemctl: "" });
  writeFileSync(join(fresh.folder, "containers"), "");
  assert.equal(fresh.run(`${stand}; check_docker_flags`).status, 0);
  assert.deepEqual(JSON.parse(readFileSync(join(fresh.folder, "daemon.json"), "utf8")).icc, false);
  assert.match(fresh.calls(), /systemctl restart docker/);
});

test("a port that is taken is said on the first run, with a choice that works; later, how to move", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  const first = shell("load_settings; check_ports", emptyFolder(), { SAYOO_PORT: String(port) });
  assert.equal(first.status, 1);
  assert.match(first.stderr, new RegExp(`port ${port} is taken[\\s\\S]*SAYOO_PORT=${port + 1000} bin/up`));
  const folder = emptyFolder();
  assert.equal(shell("load_settings; save_settings; check_ports", folder, { SAYOO_PORT: String(port) }).status, 0, "it may be ours");
  assert.match(shell(`load_settings; port_is_taken ${port} sayoo`, folder).stderr, /bin\/down,\n.*settings/);
  server.close();
});
