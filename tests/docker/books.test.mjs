// What is carried into a real Odoo with accounting: by the program itself, into the chart of accounts of France.
//
// Needs what odoo.test.mjs needs, and the program (SAYOO_BIN, by default what cargo built). It makes a control database with an invoice,
// a payment and a credit note in it on the same scratch server.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash, pbkdf2Sync, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bench } from "./odoo/bench.mjs";

const root = join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "..", "..");
const bench = new Bench(process.env.DATABASE_URL, process.env.ODOO_IMAGE ?? "sayoo/odoo:19.0");
const program = process.env.SAYOO_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug/sayoo");
const folder = mkdtempSync(join(tmpdir(), "sayoo-books-"));
const control = `${bench.prefix}_control`;
const key = randomBytes(20).toString("hex");
let odoo;

// The id that tests/scripts/exports/functions.sql gives a thing.
function id(name) {
  return createHash("md5").update(name).digest("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

// A document as it is kept, as far as these differ.
function paper(said) {
  const address = { lines: ["Hauptstraße 1", "Hinterhaus"], postcode: "69001", city: "Lyon", country: "FR" };
  return JSON.stringify({
    schema: 1, currency: "EUR", language: "fr", purchase_order: null, corrects: null,
    period: { from: "2026-09-30T22:00:00Z", until: "2026-10-31T23:00:00Z", zone: "Europe/Paris" },
    seller: {
      name: "Sayoo France SAS", legal_form: "SAS", capital: null, address: { ...address, lines: ["12 rue des Ateliers"] },
      identifiers: { country: "FR", siren: "732829320", siret: "73282932000074", rcs_city: "Lyon", vat_number: "FR44732829320" },
      email: "billing@example.com", phone: null, website: null, bank: null,
    },
    buyer: { name: "Acme & Söhne", address, is_business: true, vat_number: null, siren: "552100554", ice: null, email: "acme@example.com" },
    vat_in_seller_currency: null,
    mentions: { payment: "transfer", late_penalties: null, recovery_fee: null, early_payment_discount: null, operation: "services", vat_on_debits: false, remark: null },
    ...said,
  });
}

function line(line_no, kind, text, quantity, unit_price, net) {
  return { line_no, kind, text, detail: "acme-prod", environment_id: null, meter: null, quantity, unit: "one", unit_price, net, vat_category: "S", vat_rate: "20", period: null };
}

function sums(net, vat, gross) {
  return {
    vat: [{ category: "S", rate: "20", base: net, amount: vat, reason_code: null, reason: null }],
    totals: { net, vat, gross, paid: "0.00", due: gross },
  };
}

const invoice = paper({
  kind: "invoice", number: "FR-2026-000001", issue_date: "2026-11-01", due_date: "2026-11-16", ...sums("17.61", "3.52", "21.13"),
  lines: [line(1, "base_fee", "Plan", "1", "17.806452", "17.81"), line(2, "usage", "CPU", "50.3333", "0.045679", "2.30"), line(3, "discount", "Welcome", "-1", "2.5", "-2.50")],
});
const note = paper({
  kind: "credit_note", number: "FR-2026-000002", issue_date: "2026-11-20", due_date: "2026-11-20", ...sums("3.33", "0.67", "4.00"),
  corrects: { number: "FR-2026-000001", issue_date: "2026-11-01" }, lines: [line(1, "correction", "A day without service", "1", "3.33", "3.33")],
});

// Rows written through the guards of the migrations.
function written(rows) {
  const functions = readFileSync(join(root, "tests/scripts/exports/functions.sql"), "utf8");
  const patched = functions.replace(/text := jsonb_build_object\([\s\S]*?::text;/, "text := current_setting('sayoo.paper');");
  assert.notEqual(patched, functions);
  bench.sql(control, `${patched} BEGIN; ${rows} COMMIT;`);
}

const kept = (text) => `SELECT set_config('sayoo.paper', $paper$${text}$paper$, false);`;

// One invoice that a transfer pays with something left over.
function fill() {
  written(`
    SELECT pg_temp.seller('FR', 'FR', 'EUR', 'Europe/Paris', '{}');
    SELECT pg_temp.plan('pro');
    SELECT pg_temp.account('acme', 'Acme & Söhne', 'FR', 'EUR', 'Europe/Paris');
    SELECT pg_temp.environment('acme', 'acme-prod', 'pro', '2026-10-03T10:20:30Z');
    SELECT pg_temp.period('acme', 'FR', 'oct', '2026-09-30T22:00:00Z', '2026-10-31T23:00:00Z');
    SELECT pg_temp.charge('acme', 'acme-prod', 'pro', 'oct', 'oct', 'usual', 0, NULL, NULL, 1, 17.806452, '2026-10-03T10:20:30Z');
    SELECT pg_temp.charge('acme', 'acme-prod', 'pro', 'oct', 'oct', 'usual', 0, 'cpu', 1, 50.3333, 0.045679, '2026-10-03T10:20:30Z');
    ${kept(invoice)}
    SELECT pg_temp.bill('acme', 'oct', '2026-11-01', 2.50, 'S', 20);
    SELECT pg_temp.pay('acme', 'oct', 'transfer', 3000, 2113, '2026-11-03');`);
}

function configure(post) {
  const url = process.env.DATABASE_URL.replace(/[^/]+$/, control);
  writeFileSync(join(folder, "key"), key);
  // Odoo names its first journals in the language of the database.
  const [journal, bank] = ["sale", "bank"].map((type) => one(`SELECT code FROM account_journal WHERE type = '${type}' ORDER BY id LIMIT 1`));
  writeFileSync(join(folder, "sayoo.toml"), `
    installation = { name = "books", data_dir = "${folder}" }
    public = { portal_url = "http://localhost:8080", instances_url = "http://{name}.localhost:8080", mode = "development" }
    database = { owner_url = "${url}", web_url = "${url}", worker_url = "${url}", proxy_url = "${url}" }
    web = { listen = "127.0.0.1:0", sso_key_file = "/none", cookie_key_file = "/none" }
    proxy = { listen = "127.0.0.1:0", web_upstream = "127.0.0.1:1", table_file = "${folder}/routes.json" }
    worker = { docker = "unix:///none", sealing_key_file = "/none", upstream_address = "127.0.0.1", sso_public_key_file = "/none" }
    tenants = { admin_url = "${url}", host_for_containers = "127.0.0.1", port_for_containers = 1 }
    odoo = { image = "none" }
    mail = { from = "Sayoo <no-reply@localhost>" }
    books = { fr = { address = "${odoo.url}", database = "${odoo.database}", api_key_file = "${folder}/key", journal = "${journal}", bank_journal = "${bank}", post = ${post} } }
  `);
}

function sayoo(...args) {
  const { status, stdout, stderr } = spawnSync(program, ["--config", join(folder, "sayoo.toml"), ...args], { encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
  return stdout;
}

// As Odoo keeps keys of its API (passlib's pbkdf2_sha512, 6000 rounds).
function letIn(user, key) {
  const ab64 = (bytes) => bytes.toString("base64").replaceAll("+", ".").replace(/=+$/, "");
  const salt = randomBytes(16);
  const hash = `$pbkdf2-sha512$6000$${ab64(salt)}$${ab64(pbkdf2Sync(key, salt, 6000, 64, "sha512"))}`;
  bench.sqlAs(odoo, `INSERT INTO res_users_apikeys (name, user_id, index, key) VALUES ('sayoo', ${user}, '${key.slice(0, 8)}', '${hash}')`);
}

async function ask(key, path, body) {
  const answer = await fetch(`${odoo.url}/json/2/${path}`, {
    method: "POST", body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", Authorization: `bearer ${key}`, "X-Odoo-Database": odoo.database },
  });
  const said = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(said));
  return said;
}

const one = (sql) => bench.sql(odoo.database, sql);
const moves = () => one("SELECT move_type || ' ' || name || ' ' || state || ' ' || round(amount_untaxed, 2) || ' ' || round(amount_tax, 2) || ' ' || round(amount_total, 2) || ' ' || invoice_date || ' ' || invoice_date_due FROM account_move WHERE move_type LIKE 'out%' ORDER BY name");
const waiting = () => bench.sql(control, "SELECT kind || ' ' || state || ' ' || problem FROM book_pushes WHERE state <> 'done' ORDER BY rank");

before(async () => {
  await bench.makeTemplate({ language: "fr_FR", modules: "account", country: "FR" });
  odoo = await bench.start("books");
  // Somebody who may keep invoices, and nothing else: no administrator, who could read external ids.
  const chief = randomBytes(20).toString("hex");
  letIn(2, chief);
  const groups = one("SELECT string_agg(res_id::text, ',') FROM ir_model_data WHERE model = 'res.groups' AND module || '.' || name IN ('base.group_user', 'base.group_partner_manager', 'account.group_account_invoice')");
  const who = { name: "Sayoo", login: "sayoo-books", group_ids: [[6, 0, groups.split(",").map(Number)]] };
  const [user] = await ask(chief, "res.users/create", { vals_list: [who], context: { no_reset_password: true } });
  letIn(user, key);
  bench.sql("postgres", `CREATE DATABASE ${control}`);
  configure(false);
  sayoo("migrate");
  fill();
}, { timeout: 300_000 });

after(() => {
  bench.clear();
  rmSync(folder, { recursive: true, force: true });
});

test("a month is there as drafts, with our numbers and our sums, however often it is carried", () => {
  for (let time = 0; time < 3; time += 1) sayoo("billing", "push");
  assert.equal(moves(), "out_invoice FR-2026-000001 draft 17.61 3.52 21.13 2026-11-01 2026-11-16", waiting());
  assert.equal(one("SELECT count(*) FROM account_payment"), "1");
  assert.equal(one("SELECT state || ' ' || round(amount, 2) || ' ' || payment_type FROM account_payment"), "draft 30.00 inbound");
  assert.equal(one("SELECT name || ' · ' || street || ' · ' || street2 || ' · ' || zip FROM res_partner WHERE name LIKE 'Acme%'"), "Acme & Söhne · Hauptstraße 1 · Hinterhaus · 69001");
  assert.equal(one("SELECT string_agg(name, ' ' ORDER BY name) FROM ir_model_data WHERE module = 'sayoo' AND noupdate"),
    [`account_${id("account acme")}`, `document_${id("invoice acme oct")}`, `payment_${id("payment acme oct")}`].sort().join(" "));
  assert.equal(waiting(), "match due one of the two is a draft in Odoo");
});

test("a repetition of what is there changes nothing that somebody set right there", () => {
  one("UPDATE account_move SET ref = 'the accountant was here' WHERE name = 'FR-2026-000001'");
  bench.sql(control, "UPDATE book_pushes SET state = 'due', done_at = NULL WHERE kind IN ('document', 'payment')");
  sayoo("billing", "push");
  assert.equal(one("SELECT ref FROM account_move WHERE name = 'FR-2026-000001'"), "the accountant was here");
  assert.equal(one("SELECT count(*) FROM account_move_line l JOIN account_move m ON m.id = l.move_id WHERE m.name = 'FR-2026-000001' AND l.display_type = 'product'"), "3");
  assert.equal(one("SELECT count(*) FROM account_payment"), "1");
});

test("with `post` it is posted under our numbers, and the transfer pays the invoice", () => {
  configure(true);
  bench.sql(control, "UPDATE book_pushes SET state = 'due', done_at = NULL WHERE kind IN ('document', 'payment')");
  sayoo("billing", "push");
  assert.equal(waiting(), "");
  assert.match(moves(), /^out_invoice FR-2026-000001 posted 17\.61 3\.52 21\.13 /);
  assert.match(one("SELECT payment_state FROM account_move WHERE name = 'FR-2026-000001'"), /^(paid|in_payment)$/);
  assert.equal(one("SELECT round(sum(debit_amount_currency), 2) FROM account_partial_reconcile p JOIN account_move_line l ON l.id = p.debit_move_id JOIN account_move m ON m.id = l.move_id WHERE m.name = 'FR-2026-000001'"), "21.13");
  sayoo("billing", "push");
  assert.equal(one("SELECT count(*) FROM account_move WHERE move_type LIKE 'out%'"), "1");
});

test("what is given back of a paid invoice is there under its own number, and stays the customer's", () => {
  written(`${kept(note)} SELECT pg_temp.credit('acme', 'oct', '2026-11-20', 3.33, 'S', 20);`);
  for (let time = 0; time < 2; time += 1) sayoo("billing", "push");
  assert.equal(waiting(), "");
  assert.match(moves(), /\nout_refund FR-2026-000002 posted 3\.33 0\.67 4\.00 2026-11-20 2026-11-20$/);
  assert.equal(one("SELECT o.name FROM account_move n JOIN account_move o ON o.id = n.reversed_entry_id"), "FR-2026-000001");
  assert.equal(one("SELECT round(amount_residual, 2) FROM account_move WHERE name = 'FR-2026-000002'"), "4.00");
});

test("what several programs carry at once is there once", async () => {
  const load = () => ask(key, "res.partner/load", {
    fields: ["id", "name"], data: [["twice", "Twice"]], context: { module: "sayoo", mode: "update", noupdate: true },
  });
  const answers = await Promise.all([load(), load(), load(), load()]);
  assert.equal(one("SELECT count(*) FROM res_partner WHERE name = 'Twice'"), "1", JSON.stringify(answers));
});
