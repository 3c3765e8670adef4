// The staff's story: join by the one-time link, see everything, suspend and resume, export usage.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { PASSWORD, PORTAL, eventually, fillInSeller, inspect, inspectHere, newPerson, orderInstance, signUp, startBrowser, statusOf, totp, unique, waitUntilRunning } from "./support.mjs";

let browser;
before(async () => { browser = await startBrowser(); });
after(async () => { await browser?.close(); });

// A file as the page itself would fetch it: with the staff's own strict cookie.
const fetched = (page, path) => page.evaluate(async (path) => (await fetch(path)).text(), path);

test("the first staff member joins by a link that works once, and sees, suspends and exports", async () => {
  const link = process.env.STAFF_LINK;
  assert.ok(link, "bin/test hands over the link that `sayoo staff first-link` printed");
  const person = await newPerson(browser);
  const { page } = person;
  const email = `${unique("karim")}@example.com`;
  await inspect(person, { "staff-join": link });
  await page.goto(link);
  await page.fill("#f-name", "Karim El Fassi");
  await page.fill("#f-email", email);
  await page.fill("#f-password", PASSWORD);
  await page.click("main form.form button[type=submit]");
  await page.waitForURL("**/staff/enrol");
  await inspect(person, { "staff-enrol": "/staff/enrol" });
  const secret = await page.locator("main bdi.code").innerText();
  await page.fill("#f-code", totp(secret));
  await page.click("main form.form button[type=submit]");
  await page.waitForSelector("ul.codes");
  await inspectHere(page, "staff-codes");
  const recovery = await page.locator("ul.codes code").first().innerText();
  await page.goto(`${PORTAL}/staff`);
  assert.equal(new URL(page.url()).pathname, "/staff");

  // The link is spent, and a customer's or stranger's browser sees nothing.
  const stranger = await newPerson(browser);
  await stranger.page.goto(link);
  assert.equal(await stranger.page.locator("#f-password").count(), 0, "the link works once");
  await stranger.page.goto(`${PORTAL}/staff/accounts`);
  assert.equal(new URL(stranger.page.url()).pathname, "/staff/login");

  const customer = await newPerson(browser);
  const company = unique("Riad");
  await signUp(customer.page, { company });
  const instance = await orderInstance(customer.page);
  await waitUntilRunning(customer.page, instance);
  const id = new URL(instance.url).pathname.split("/").pop();

  await page.fill("#staff-search", company);
  await page.press("#staff-search", "Enter");
  await page.waitForSelector(`a[href="/staff/instances/${id}"]`);
  await page.goto(`${PORTAL}/staff/instances/${id}`);
  await page.fill("#f-reason", "x");
  await page.click("#suspend button[type=submit]");
  await page.waitForSelector("#suspend .error");
  await page.fill("#f-reason", "Unpaid since March");
  await page.click("#suspend button[type=submit]");
  await page.waitForSelector("#suspend form[action$='/resume']");
  await eventually("the page that says it is suspended", 60, async () => [402, 403, 503].includes(await statusOf(customer.page, instance.home)));
  await page.fill("#f-reason", "Paid today");
  await page.click("#suspend button[type=submit]");
  await page.waitForSelector("#suspend form[action$='/suspend']");
  await waitUntilRunning(customer.page, instance);

  await page.goto(`${PORTAL}/staff/audit`);
  assert.match(await page.innerText("main"), /Unpaid since March/);
  await page.locator("form[action='/staff/audit/verify'] button").click();
  await page.waitForLoadState();
  assert.match(await page.innerText("body"), /as they were written/);

  // A new price: drafted, with a slip that loses nothing, published, and shown to customers.
  await page.goto(`${PORTAL}/staff/plans`);
  await page.locator("#development a[href$='/draft']").click();
  await page.waitForSelector("#f-price_eur");
  const draft = new URL(page.url()).pathname;
  await page.fill("#f-memory_mb", "sixty");
  await page.fill("#f-price_eur", "7,31");
  await page.click("main form.form button[type=submit]");
  await page.waitForSelector("#f-memory_mb[aria-invalid]");
  assert.equal(await page.inputValue("#f-price_eur"), "7,31");
  await page.fill("#f-memory_mb", "1024");
  await page.click("main form.form button[type=submit]");
  await page.waitForURL("**/staff/plans");
  await page.locator("#development a.button[href$='/publish']").click();
  await page.waitForSelector("#publish");
  const publish = new URL(page.url()).pathname;
  await inspectHere(page, "staff-plan-publish");
  await page.click("#publish button[type=submit]");
  await page.waitForURL("**/staff/plans");
  await stranger.page.goto(`${PORTAL}/pricing`);
  assert.match(await stranger.page.innerText("main"), /7\.31/);
  const words = draft.replace(/draft$/, "words");
  await page.goto(`${PORTAL}${words}`);
  await page.fill("#f-name_en", "");
  await page.evaluate(() => { document.querySelector("main form.form").noValidate = true; });
  await page.click("main form.form button[type=submit]");
  await page.waitForSelector("main .summary");

  await page.goto(`${PORTAL}/staff/accounts`);
  const account = await page.getAttribute('main a[href^="/staff/accounts/"]', "href");
  await page.goto(`${PORTAL}/staff/hosts`);
  const host = await page.getAttribute('main a[href^="/staff/hosts/"]:not([href$="/new"])', "href");
  // A transfer of somebody unknown: it waits, and is refused with a reason.
  await page.goto(`${PORTAL}/staff/transfers/new`);
  await page.fill("#f-amount", "120,50");
  await page.fill("#f-value_on", new Date().toISOString().slice(0, 10));
  await page.fill("#f-bank_ref", "E2E-1");
  await page.fill("#f-remittance", "thank you");
  await page.click("main form.form button[type=submit]");
  await page.waitForURL((url) => /^\/staff\/transfers\/[0-9a-f-]{36}$/.test(url.pathname));
  const transfer = new URL(page.url()).pathname;
  await inspectHere(page, "staff-transfer");

  await page.goto(`${PORTAL}/staff/transfers/import`);
  await page.setInputFiles("#f-file", { name: "statement.csv", mimeType: "text/csv", buffer: Buffer.from("Date;Montant;Libellé;Référence\n01/11/2026;12,00;merci;E2E-2\n") });
  await page.click("main form.form button[type=submit]");
  await page.waitForSelector("textarea[name=content]", { state: "attached" });
  await inspectHere(page, "staff-transfers-preview");
  await page.click("main form button[type=submit]");
  await page.waitForURL("**/staff/transfers");
  assert.match(await page.innerText("main"), /E2E-2/);

  await page.goto(`${PORTAL}/staff/billing/sellers`);
  const seller = await page.getAttribute('main a[href^="/staff/billing/sellers/"]', "href");
  // Details that cannot be right are shown again with what is wrong, and nothing is lost.
  await page.goto(`${PORTAL}${seller}`);
  await page.fill("#f-name", "Sayoo");
  await page.fill("#f-iban", "FR14 2004");
  await page.click("main form.form button[type=submit]");
  await page.waitForSelector("main .summary");
  assert.equal(await page.inputValue("#f-name"), "Sayoo");
  await inspectHere(page, "staff-seller-again");

  // An invented customer: refused while the company has nothing to write on an invoice, then made; its clock is moved until a month is billed.
  const newSandbox = async () => {
    await page.goto(`${PORTAL}/staff/sandboxes/new`);
    await page.fill("#f-name", "Atlas of tests");
    await page.selectOption("#f-pays", "late");
    await page.click("main form.form button[type=submit]");
  };
  await newSandbox();
  await page.waitForSelector("main .summary");
  await inspectHere(page, "staff-sandbox-again");
  fillInSeller();
  await newSandbox();
  await page.waitForURL((url) => /^\/staff\/sandboxes\/[0-9a-f-]{36}$/.test(url.pathname));
  const sandbox = new URL(page.url()).pathname;
  // Nobody reloads: the page looks again by itself.
  await page.waitForSelector("#sandbox:not([data-again]) button[value=month-end]", { timeout: 120_000 });
  for (const by of ["month", "month"]) {
    await Promise.all([page.waitForNavigation(), page.click(`button[value=${by}]`)]);
    await page.waitForSelector("#sandbox:not([data-again]) button[value=month-end]", { timeout: 120_000 });
  }
  assert.match(await page.innerText("main"), /FR-20\d\d-000001/);
  await inspect(person, {
    "staff-billing": "/staff/billing", "staff-sellers": "/staff/billing/sellers", "staff-seller": seller, "staff-documents": "/staff/billing/documents",
    "staff-transfers": "/staff/transfers", "staff-payments": "/staff/payments", "staff-transfer-new": "/staff/transfers/new", "staff-transfer-import": "/staff/transfers/import",
    "staff-transfer-of-nobody": transfer, "staff-dunning": "/staff/dunning", "staff-coupons": "/staff/coupons", "staff-books": "/staff/books", "staff-self-audit": "/staff/billing/audit",
    "staff-sandboxes": "/staff/sandboxes", "staff-sandbox-new": "/staff/sandboxes/new", "staff-sandbox": sandbox,
    "staff-revenue": "/staff/revenue", "staff-margins": "/staff/revenue/hosts",
    "staff-host": host, "staff-host-drain": `${host}/drain`, "staff-host-settings": `${host}/settings`, "staff-images": "/staff/images",
    "staff-plan-draft": draft, "staff-plan-published": publish, "staff-plan-new": "/staff/plans/new", "staff-plan-words": words,
    "staff-home": "/staff", "staff-accounts": "/staff/accounts", "staff-account": account, "staff-instances": "/staff/instances", "staff-instance": `/staff/instances/${id}`, "staff-scaling": `/staff/instances/${id}/scaling`,
    "staff-hosts": "/staff/hosts", "staff-host-new": "/staff/hosts/new", "staff-plans": "/staff/plans", "staff-queue": "/staff/queue", "staff-usage": "/staff/usage", "staff-exports": "/staff/exports",
    "staff-audit": "/staff/audit", "staff-search": `/staff/search?q=${company}`,
  });
  await inspect(stranger, { "staff-login": "/staff/login" });

  // The page's export and the command's are the same bytes.
  const today = new Date().toISOString().slice(0, 10);
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  await eventually("usage of the instance", 300, async () => {
    return (await fetched(page, `/staff/usage.csv?from=${today}&to=${tomorrow}`)).includes(id);
  });
  const csv = await fetched(page, "/staff/usage.csv?from=2020-01-01&to=2020-01-02");
  const command = execFileSync(process.env.SAYOO, ["export", "usage", "--from", "2020-01-01", "--to", "2020-01-02"], { encoding: "utf8", cwd: new URL("../..", import.meta.url).pathname });
  assert.equal(csv, command);

  // A recovery code logs in once.
  const again = await newPerson(browser);
  for (const isGood of [true, false]) {
    await again.context.clearCookies();
    await again.page.goto(`${PORTAL}/staff/login`);
    await again.page.fill("#f-email", email);
    await again.page.fill("#f-password", PASSWORD);
    await again.page.click("main form.form button[type=submit]");
    await again.page.waitForURL("**/staff/second-factor");
    if (isGood) await inspect(again, { "staff-second-factor": "/staff/second-factor" });
    await again.page.fill("#f-code", recovery);
    await again.page.click("main form.form button[type=submit]");
    if (isGood) await again.page.waitForURL((url) => url.pathname === "/staff");
    else await again.page.waitForSelector(".error");
  }
});
