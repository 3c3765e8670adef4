// A month that is over: its invoice comes by mail, says where every line comes from, and is a PDF.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { PORTAL, eventually, fillInSeller, inspect, linkMailedTo, newPerson, orderInstance, signUp, startBrowser, unique } from "./support.mjs";

const { CONTROL_URL, PSQL, SAYOO } = process.env;
const sql = (text) => execFileSync(PSQL, ["-d", CONTROL_URL, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", text], { encoding: "utf8" }).trim();

let browser;
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
