// A month that is over: its invoice comes by mail, says where every line comes from, and is a PDF.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { PORTAL, eventually, fillInSeller, inspect, linkMailedTo, newPerson, newStaff, orderInstance, signUp, startBrowser, unique } from "./support.mjs";

const { CONTROL_URL, PSQL, SAYOO } = process.env;
const sql = (text) => execFileSync(PSQL, ["-d", CONTROL_URL, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", text], { encoding: "utf8" }).trim();

let browser;
// The customer of the first story, whom the ones after it go on with.
let billed;
before(async () => { browser = await startBrowser(); });
after(async () => { await browser?.close(); });

// No browser can wait for the end of a month: the customer's past is written, by the database's owner, and the worker does the rest.
// The months that were opened meanwhile are taken away, which nobody but the owner of the tables can.
function beganFortyDaysAgo(account, environment) {
  sql(`
    BEGIN;
    LOCK TABLE billing_periods IN ACCESS EXCLUSIVE MODE;
    ALTER TABLE billing_periods DISABLE TRIGGER USER;
    DELETE FROM billing_periods WHERE account_id = '${account}';
    ALTER TABLE billing_periods ENABLE TRIGGER USER;
    UPDATE environment_segments SET from_at = from_at - interval '40 days' WHERE account_id = '${account}';
    INSERT INTO trials (account_id, from_at, until_at)
    VALUES ('${account}', now() - interval '60 days', now() - interval '46 days')
        ON CONFLICT (account_id) DO UPDATE SET from_at = excluded.from_at, until_at = excluded.until_at;
    INSERT INTO usage_hours (environment_id, meter, hour, quantity, covered_seconds, quality)
    SELECT '${environment}', meter, hour, quantity, 3600, 'measured'
      FROM (VALUES ('cpu', 2900000000), ('egress', 400000000), ('requests', 9000)) AS used (meter, quantity)
     CROSS JOIN generate_series(date_trunc('hour', now() - interval '40 days'), now() - interval '26 hours', interval '1 hour') AS hour
        ON CONFLICT DO NOTHING;
    INSERT INTO usage_days (environment_id, meter, day, quantity)
    SELECT environment_id, meter, date_trunc('day', hour AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', sum(quantity)
      FROM usage_hours
     WHERE environment_id = '${environment}'
     GROUP BY 1, 2, 3
        ON CONFLICT (environment_id, meter, day) DO UPDATE SET quantity = excluded.quantity;
    COMMIT;`);
}

test("a month is over: the invoice is mailed, explains itself down to the hour, and is a PDF with its XML", async () => {
  fillInSeller();
  const person = await newPerson(browser);
  const { page } = person;
  const email = await signUp(page, { company: unique("Filature") });
  const instance = await orderInstance(page);
  const environment = new URL(instance.url).pathname.split("/").pop();
  await page.goto(`${PORTAL}/account/billing/details`);
  await page.fill("#f-legal_name", "Filature du Détroit");
  await page.fill("#f-street", "3 rue du Port");
  await page.fill("#f-postcode", "13002");
  await page.fill("#f-city", "Marseille");
  await page.selectOption("#f-country", "FR");
  await page.fill("#f-siren", "732829320");
  await page.click("main form.form button[type=submit]");
  await page.waitForLoadState();
  assert.deepEqual(await page.locator("main .form .error").allInnerTexts(), [], "the details are taken");
  const account = sql(`SELECT account_id FROM environments WHERE id = '${environment}'`);
  beganFortyDaysAgo(account, environment);

  const link = await eventuallyMailed(page, email);
  await page.goto(link);
  await page.waitForSelector("main h1");
  const invoice = new URL(page.url()).pathname;
  const line = await page.locator(`main a[href^="${invoice}/lines/"]`).first().getAttribute("href");
  await inspect(person, { invoice, "invoice-line": line, "invoices-full": "/account/billing/invoices", "statement-full": "/account/billing/statement", "billing-full": "/account/billing" });

  const pdf = await page.evaluate(async (path) => {
    const answer = await fetch(path);
    return [answer.status, new TextDecoder("latin1").decode(await answer.arrayBuffer())];
  }, `${invoice}/files/pdf`);
  assert.equal(pdf[0], 200);
  assert.ok(pdf[1].startsWith("%PDF-1.7"), "the paper is a PDF");
  assert.match(pdf[1], /factur-x\.xml/, "with its XML in it");

  const stranger = await newPerson(browser);
  await signUp(stranger.page);
  assert.equal((await stranger.page.goto(PORTAL + invoice)).status(), 404, "nobody else sees it");
  billed = { person, account, document: invoice.split("/").pop() };
});

// A correction of what somebody has given back already, as the end of a month leaves it: it waits for a person.
function correctionOf(document) {
  const note = randomUUID();
  sql(`
    BEGIN;
    INSERT INTO documents (id, account_id, seller_id, kind, corrects_id, reason, currency, net_minor, vat_minor, gross_minor, created_at, held, held_at, held_tries)
    SELECT '${note}', account_id, seller_id, 'credit_note', id, 'correction', currency, 150, 0, 150, now()
         , jsonb_build_object('reason', 'credited', 'problems', jsonb_build_array('one of our people has given a part of ' || number || ' back already')), now(), 1
      FROM documents
     WHERE id = '${document}';
    INSERT INTO document_lines (document_id, line_no, kind, meter, title, from_at, until_at, quantity, unit, unit_price, net_minor, vat_category, vat_rate)
    VALUES ('${note}', 1, 'correction', 'cpu', 'Processor time (correction)', now() - interval '40 days', now() - interval '10 days', 30, 'core_hour', 0.05, 150, 'S', 20);
    COMMIT;`);
  return note;
}

test("staff read an invoice's page, and drop a correction that was given back already", async () => {
  assert.ok(billed, "the story before made an invoice");
  const note = correctionOf(billed.document);
  const staff = await newStaff(browser, sql);
  const { page } = staff;
  await page.goto(`${PORTAL}/staff/billing`);
  await page.click(`#waiting a[href$="${note}"]`);
  await page.waitForSelector("#f-reason");
  const waiting = new URL(page.url()).pathname;
  const document = `/staff/billing/documents/${billed.document}`;
  await inspect(staff, { "staff-waiting": waiting, "staff-document": document });

  await page.goto(PORTAL + waiting);
  await page.fill("#f-reason", "It was for the same hours");
  await page.click("main form button[name=act][value=drop]");
  await page.waitForLoadState();
  await eventually("the invoice's page that says what was dropped", 60, async () => {
    await page.goto(PORTAL + document);
    return (await page.innerText("main")).includes("It was for the same hours") && (await page.innerText("main")).includes("dropped: ");
  });
  await inspect(staff, { "staff-document-dropped": document });
  await page.goto(PORTAL + waiting);
  assert.equal(new URL(page.url()).pathname, "/staff/billing", "it waits no more");
  assert.equal(await page.locator(`#waiting a[href$="${note}"]`).count(), 0);
  assert.deepEqual(staff.complaints, []);
});

// No test's installation has Stripe, nor a page of it: what the worker would have written is written for it. tests/it/payments/ goes the
// whole way, with a stand-in.
test("the way to a card's page and a card payment look as they should", async () => {
  assert.ok(billed, "the first story made an invoice");
  const [asked, saved, payment, entry] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  sql(`
    BEGIN;
    INSERT INTO card_wishes (id, account_id, asked_by, kind, document_id, language, created_at, held_until, state, outcome)
    SELECT wish.id::uuid, members.account_id, members.user_id, wish.kind, wish.document::uuid, 'en', now(), now() + interval '1 day', wish.state, wish.outcome
      FROM members
     CROSS JOIN (VALUES ('${asked}', 'pay', '${billed.document}', 'asked', ''), ('${saved}', 'save', NULL, 'done', 'saved')) AS wish (id, kind, document, state, outcome)
     WHERE members.account_id = '${billed.account}'
     LIMIT 2;
    INSERT INTO payments (id, account_id, seller_id, method, amount_minor, currency, received_on, external_ref, created_at)
    SELECT '${payment}', account_id, seller_id, 'card', 1200, currency, current_date, 'pi_${payment}', now() FROM documents WHERE id = '${billed.document}';
    INSERT INTO journal_entries (id, seller_id, effective_on, journal, source_kind, source_id, template, label, created_at)
    SELECT '${entry}', seller_id, received_on, 'card', 'payment', id, 'received', external_ref, now() FROM payments WHERE id = '${payment}';
    INSERT INTO postings (entry_id, position, ledger_account_id, account_id, amount_minor, currency)
    SELECT '${entry}', side.position, ledger_accounts.id, CASE side.role WHEN 'customer_credit' THEN payments.account_id END, side.sign * payments.amount_minor, payments.currency
      FROM payments
     CROSS JOIN (VALUES (1, 'card_clearing', 1), (2, 'customer_credit', -1)) AS side (position, role, sign)
      JOIN ledger_accounts ON ledger_accounts.seller_id = payments.seller_id AND ledger_accounts.role = side.role
     WHERE payments.id = '${payment}';
    COMMIT;`);
  await inspect(billed.person, { "card-asked": `/account/billing/cards/${asked}`, "card-saved": `/account/billing/cards/${saved}` });
  const staff = await newStaff(browser, sql);
  await inspect(staff, { "staff-payment": `/staff/payments/${payment}`, "staff-payments-full": "/staff/payments" });
  // The last look was at the Arabic page.
  assert.match(await staff.page.innerText("main"), /12[.,]00/);
  assert.deepEqual(staff.complaints, []);
});

// The worker looks every twenty seconds, and the papers are made before the mail.
async function eventuallyMailed(page, email) {
  let link;
  await eventually("the mail with the invoice", 120, async () => {
    link = await linkMailedTo(page, email, "/account/billing/invoices/");
    return Boolean(link);
  });
  return link;
}
