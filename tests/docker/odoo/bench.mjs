// A bench for real Odoos: makes a template, clones and containers as the platform does, with Docker and psql alone.

import { execFileSync, spawnSync } from "node:child_process";
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { get } from "node:http";
import { connect } from "node:net";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const base64url = (bytes) => Buffer.from(bytes).toString("base64url");

// The status that an address answers with, 0 for none. Not by fetch(), which in Node 20 waits for ever when the other side
// takes the connection and drops it, as Docker does for a port where nobody listens yet.
function status(address) {
  return new Promise((resolve) => {
    get(address, (answer) => (answer.resume(), resolve(answer.statusCode))).on("error", () => resolve(0));
  });
}

export class Bench {
  constructor(databaseUrl, image) {
    if (!databaseUrl) throw new Error("DATABASE_URL is not set: it names a superuser of a scratch Postgres server");
    this.server = new URL(databaseUrl);
    this.image = image;
    this.prefix = `odootest${randomBytes(4).toString("hex")}`;
    this.folder = mkdtempSync(join(tmpdir(), "sayoo-odoo-"));
    // The user in the container is not the owner of the folder.
    execFileSync("chmod", ["755", this.folder]);
    this.keys = { portal: generateKeyPairSync("ed25519"), stranger: generateKeyPairSync("ed25519") };
    this.instances = [];
  }

  psql(user, password, database, sql) {
    const env = {
      ...process.env, PGHOST: this.server.hostname, PGPORT: this.server.port || "5432", PGUSER: user, PGPASSWORD: password,
      PGDATABASE: database, PGCONNECT_TIMEOUT: "5", PGOPTIONS: "-c client_min_messages=warning",
    };
    const args = ["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-f", "-"];
    const { status, stdout, stderr, error } = spawnSync("psql", args, { env, input: sql, encoding: "utf8" });
    if (error) throw error;
    if (status !== 0) throw new Error(stderr.trim());
    return stdout.trim();
  }

  // As the superuser of the scratch server.
  sql(database, sql) {
    return this.psql(decodeURIComponent(this.server.username), decodeURIComponent(this.server.password), database, sql);
  }

  // As the tenant.
  sqlAs(instance, sql) {
    return this.psql(instance.role, instance.password, instance.database, sql);
  }

  // What the server says when the tenant wants into another database.
  refusal(instance, database) {
    try {
      this.psql(instance.role, instance.password, database, "SELECT 1");
      return "it was let in";
    } catch (error) {
      return error.message;
    }
  }

  docker(...args) {
    return execFileSync("docker", args, { encoding: "utf8" }).trim();
  }

  // The options that the engine gives every instance.
  get hardening() {
    return ["--read-only", "--tmpfs", "/tmp:size=256m", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
      "--pids-limit", "256", "--memory", "768m"];
  }

  get databaseEnv() {
    this.gateway ??= this.docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}")
      // An engine that has never used the bridge knows its address only by interface.
      || execFileSync("ip", ["-4", "-o", "address", "show", "docker0"], { encoding: "utf8" }).match(/inet ([\d.]+)/)[1];
    return ["-e", `PGHOST=${this.gateway}`, "-e", `PGPORT=${this.server.port || "5432"}`];
  }

  // An empty database, a role that may fill it, and the image's own command.
  async makeTemplate({ language, modules, country = "" }) {
    const name = `${this.prefix}_template`, password = randomBytes(12).toString("hex");
    this.sql("postgres", `
      REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;
      CREATE ROLE ${name} LOGIN PASSWORD '${password}';`);
    this.sql("postgres", `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C'`);
    this.sql(name, `
      CREATE EXTENSION pg_trgm; CREATE EXTENSION unaccent;
      GRANT USAGE, CREATE ON SCHEMA public TO ${name};
      REVOKE ALL ON DATABASE ${name} FROM PUBLIC; GRANT CONNECT, TEMPORARY ON DATABASE ${name} TO ${name};`);
    const env = { PGUSER: name, PGPASSWORD: password, SAYOO_DATABASE: name, SAYOO_LANGUAGE: language,
      SAYOO_COUNTRY: country, SAYOO_MODULES: modules };
    const pairs = Object.entries(env).flatMap(([key, value]) => ["-e", `${key}=${value}`]);
    const args = ["run", "--rm", "--name", name, ...this.hardening, ...this.databaseEnv, ...pairs, this.image, "template"];
    const { status, stdout, stderr } = spawnSync("docker", args, { encoding: "utf8", maxBuffer: 1 << 28 });
    if (status !== 0 || !stdout.includes("template ready")) throw new Error(`the template fails:\n${stderr.slice(-3000)}`);
    this.template = name;
  }

  clone(instance) {
    const { database, role } = instance;
    this.sql("postgres", `CREATE DATABASE ${database} TEMPLATE ${this.template}`);
    this.sql("postgres", `REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
    this.sql(database, `
      GRANT USAGE, CREATE ON SCHEMA public TO ${role};
      REASSIGN OWNED BY ${this.template} TO ${role};`);
    this.sql("postgres", `GRANT CONNECT, TEMPORARY ON DATABASE ${database} TO ${role}`);
  }

  async start(letter, { databaseAfter = 0 } = {}) {
    const database = `${this.prefix}_${letter}`;
    const instance = { database, role: `${database}_1`, password: randomBytes(12).toString("hex"), container: database };
    this.instances.push(instance);
    writeFileSync(join(this.folder, database), instance.password, { mode: 0o444 });
    this.sql("postgres", `CREATE ROLE ${instance.role} LOGIN NOINHERIT PASSWORD '${instance.password}'`);
    if (databaseAfter === 0) this.clone(instance);
    this.run(instance);
    if (databaseAfter > 0) {
      await pause(databaseAfter);
      this.clone(instance);
    }
    await this.ready(instance);
    return instance;
  }

  run(instance) {
    const key = this.keys.portal.publicKey.export({ format: "jwk" }).x;
    const env = { PGUSER: instance.role, SAYOO_DATABASE: instance.database, SAYOO_RUNTIME: instance.database,
      SAYOO_DB_PASSWORD_FILE: "/run/secrets/db_password", SAYOO_SSO_PUBLIC_KEY: key,
      SAYOO_PORTAL_URL: "http://portal.localhost:8080" };
    const pairs = Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
    this.docker("run", "--detach", "--name", instance.container, "--publish", "127.0.0.1::8069", ...this.hardening,
      "--volume", `${join(this.folder, instance.database)}:/run/secrets/db_password:ro`, ...this.databaseEnv, ...pairs, this.image);
    instance.url = `http://${this.docker("port", instance.container, "8069").split("\n")[0]}`;
  }

  async ready(instance) {
    const deadline = Date.now() + 60_000;
    while (Date.now() < deadline) {
      if ((await status(`${instance.url}/sayoo/ready`)) === 200) return;
      await pause(50);
    }
    throw new Error(`${instance.container} is not ready:\n${this.docker("logs", "--tail", "40", instance.container)}`);
  }

  // Sends exactly this and returns everything that comes back until the instance closes.
  talk(instance, bytes) {
    const { hostname, port } = new URL(instance.url);
    return new Promise((resolve, reject) => {
      let said = "";
      const socket = connect(Number(port), hostname, () => socket.write(bytes));
      socket.setTimeout(15_000, () => socket.destroy(new Error(`it neither answers nor closes after ${JSON.stringify(said)}`)));
      socket.on("data", (piece) => (said += piece.toString("latin1")));
      socket.on("error", (error) => (error.code === "ECONNRESET" ? resolve(said) : reject(error)));
      socket.on("close", () => resolve(said));
    });
  }

  async replace(instance) {
    this.docker("kill", instance.container);
    this.docker("rm", instance.container);
    this.run(instance);
    await this.ready(instance);
  }

  inside(instance, ...command) {
    return spawnSync("docker", ["exec", instance.container, ...command], { encoding: "utf8" });
  }

  // All that Docker's daemon has of it.
  logs(instance) {
    const { stdout, stderr } = spawnSync("docker", ["logs", instance.container], { encoding: "latin1", maxBuffer: 1 << 28 });
    return stdout + stderr;
  }

  inspect(instance) {
    return this.docker("inspect", instance.container);
  }

  // A ticket as the portal makes it, with what a forger would change.
  ticket(instance, login, changes = {}, signer = "portal") {
    const said = { aud: instance.database, login, exp: Math.floor(Date.now() / 1000) + 45, jti: randomBytes(16).toString("hex"), ...changes };
    const payload = base64url(JSON.stringify(said));
    return `${payload}.${base64url(sign(null, Buffer.from(payload), this.keys[signer].privateKey))}`;
  }

  login(instance, token, headers = {}) {
    return fetch(`${instance.url}/sayoo/login`, { method: "POST", body: new URLSearchParams({ token }), headers, redirect: "manual" });
  }

  cookie(answer) {
    return answer.headers.getSetCookie().find((line) => line.startsWith("session_id=")).split(";")[0];
  }

  async rpc(instance, path, params, cookie = "") {
    const answer = await fetch(`${instance.url}${path}`, {
      method: "POST", headers: { "Content-Type": "application/json", Cookie: cookie }, body: JSON.stringify({ params }),
    });
    return answer.json();
  }

  async sessionInfo(instance, answerOrCookie) {
    const cookie = typeof answerOrCookie === "string" ? answerOrCookie : this.cookie(answerOrCookie);
    const { result, error } = await this.rpc(instance, "/web/session/get_session_info", {}, cookie);
    if (error) throw new Error(error.data?.message ?? JSON.stringify(error));
    return result;
  }

  clear() {
    for (const name of [...this.instances.map((instance) => instance.container), `${this.prefix}_template`]) {
      spawnSync("docker", ["rm", "--force", name]);
    }
    const databases = this.sql("postgres", `SELECT datname FROM pg_database WHERE starts_with(datname, '${this.prefix}')`);
    for (const name of databases.split("\n").filter(Boolean)) this.sql("postgres", `DROP DATABASE ${name} WITH (FORCE)`);
    const roles = this.sql("postgres", `SELECT rolname FROM pg_roles WHERE starts_with(rolname, '${this.prefix}')`);
    for (const name of roles.split("\n").filter(Boolean)) this.sql("postgres", `DROP ROLE ${name}`);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
