// A customer's story: from sign-up to a contact in Odoo that outlives its container.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { PASSWORD, PORTAL, addDomain, eventually, inspect, inspectHere, linkMailedTo, logIn, newPerson, openOdoo, orderInstance, signUp, startBrowser, statusOf, unique, waitUntilRunning } from "./support.mjs";

const docker = (...args) => execFileSync("docker", args, { encoding: "utf8" }).trim();
const installation = process.env.SAYOO_NAME ?? "sayoo";

let browser;
before(async () => { browser = await startBrowser(); });
after(async () => { await browser?.close(); });

test("a contact saved in Odoo is still there after the container is killed", async () => {
  const { page, complaints } = await newPerson(browser);
  await signUp(page);
  const instance = await orderInstance(page);
  await waitUntilRunning(page, instance);
  await openOdoo(page, instance);

  const contact = unique("Rachid");
  await page.goto(`${instance.home}/odoo/action-base.action_partner_form/new`);
  const name = page.locator(".o_form_view .o_field_widget[name=name] :is(input, textarea)").first();
  await name.fill(contact);
  await page.locator(".o_form_button_save").click();
  await page.waitForFunction(() => !location.pathname.endsWith("/new"));
  const saved = page.url();

  const killed = docker("ps", "-q", "--filter", `label=sayoo.installation=${installation}`).split("\n").filter(Boolean);
  assert.ok(killed.length > 0, "there are containers to kill");
  docker("kill", ...killed);

  // The same cookie, the same address, another container.
  await eventually("the contact after the kill", 120, async () => {
    await page.goto(saved, { timeout: 30_000 });
    await page.waitForSelector(".o_form_view", { timeout: 10_000 });
    return (await page.title()).includes(contact) || (await page.inputValue(".o_form_view .o_field_widget[name=name] :is(input, textarea)")) === contact;
  });

  await page.goto(instance.url);
  await page.click("form[action$='/stop'] button");
  await page.waitForSelector("form[action$='/start'] button", { timeout: 60_000 });
  await eventually("the page that says it is stopped", 30, async () => (await statusOf(page, instance.home)) === 503);
  await page.goto(instance.home);
  await inspectHere(page, "proxy-stopped");
  await page.goto(instance.url);
  await page.click("form[action$='/start'] button");
  await waitUntilRunning(page, instance);
  await page.goto(saved);
  await page.waitForSelector(".o_form_view");
  assert.deepEqual(complaints, []);
});

test("what belongs to a customer is not there for a stranger", async () => {
  const alice = await newPerson(browser);
  await signUp(alice.page);
  const instance = await orderInstance(alice.page, { plan: "development" });
  const mallory = await newPerson(browser);
  await signUp(mallory.page);
  for (const part of ["", "/usage", "/logs", "/domains", "/plan", "/rename", "/delete"]) {
    assert.equal(await statusOf(mallory.page, instance.url + part), 404, part);
  }
});

test("a deleted instance can be had back", async () => {
  const { page } = await newPerson(browser);
  await signUp(page);
  const instance = await orderInstance(page, { plan: "test" });
  await waitUntilRunning(page, instance);
  await page.goto(`${instance.url}/delete`);
  // The name in the address must be typed: without it nothing is asked for.
  await page.fill("#f-delete-typed", "something else");
  const go = page.locator("main form[method=post] button.danger");
  if (await go.isEnabled()) {
    await go.click();
    await page.waitForSelector("#f-delete-typed[aria-invalid=true]");
  }
  await page.fill("#f-delete-typed", instance.subdomain);
  await go.click();
  await page.waitForSelector("form[action$='/undo-delete'] button");
  await page.click("form[action$='/undo-delete'] button");
  await waitUntilRunning(page, instance);
});

test("everything that matters works without JavaScript", async () => {
  const { page } = await newPerson(browser, { javaScriptEnabled: false });
  const email = await signUp(page);
  const instance = await orderInstance(page, { plan: "development" });
  await eventually("the instance without JavaScript", 240, async () => {
    await page.goto(instance.url);
    return (await page.locator("form[action$='/open'] button").count()) > 0;
  });
  await page.click("form[action$='/open'] button");
  await page.click("form[action$='/sayoo/login'] button");
  assert.ok(page.url().startsWith(instance.home));
  await page.goto(`${PORTAL}/instances`);
  await page.locator("details.menu summary").last().click();
  await page.locator("form[action='/logout'] button").last().click();
  await logIn(page, email);
  assert.ok(page.url().startsWith(PORTAL));
});

test("an unknown address says so", async () => {
  const { page } = await newPerson(browser);
  const at = new URL(PORTAL);
  const response = await page.goto(`${at.protocol}//${unique("nobody")}.${at.host}/`);
  assert.ok([404, 421].includes(response.status()));
  assert.match(await response.text(), /<html/);
  await inspectHere(page, "proxy-unknown");
});

test("no page of a customer has an axe violation, in three languages, light and dark", async () => {
  const visitor = await newPerson(browser);
  // The README's picture.
  await visitor.page.goto(PORTAL);
  await visitor.page.screenshot({ path: new URL("../../target/screenshots/readme.png", import.meta.url).pathname });
  await inspect(visitor, { home: "/", pricing: "/pricing", signup: "/signup", login: "/login", forgot: "/forgot", "check-mail": "/signup/check-mail", mails: "/dev/mails", "not-found": "/no-such-page", gallery: "/dev/gallery" });
  assert.deepEqual(visitor.complaints.filter((text) => !text.includes("404")), []);

  const person = await newPerson(browser);
  await signUp(person.page);
  const before = { "instances-empty": "/instances", "order-plan": "/instances/new", "order-details": "/instances/new/details?plan=production", "order-apps": `/instances/new/apps?${new URLSearchParams({ plan: "production", name: "Atlas", subdomain: unique("atlas"), company: "Atlas", language: "en_US", country: "MA" })}` };
  await inspect(person, before);
  const instance = await orderInstance(person.page);
  await waitUntilRunning(person.page, instance);
  // The page that leads into Odoo is gone at once, unless Odoo has nothing to show.
  await person.page.route(`${instance.home}/**`, (route) => route.fulfill({ status: 204 }));
  await person.page.click("form[action$='/open'] button");
  await person.page.waitForSelector("form[action$='/sayoo/login'] button");
  await inspectHere(person.page, "open");
  await person.page.unroute(`${instance.home}/**`);
  const path = new URL(instance.url).pathname;
  await inspect(person, {
    instances: "/instances", instance: path, usage: `${path}/usage`, logs: `${path}/logs`, "domains-empty": `${path}/domains`,
    plan: `${path}/plan`, "what-if": `${path}/what-if`, scaling: `${path}/scaling`, rename: `${path}/rename`, delete: `${path}/delete`,
    account: "/account", security: "/account/security", sessions: "/account/sessions", members: "/account/members", close: "/account/close",
    billing: "/account/billing", invoices: "/account/billing/invoices", methods: "/account/billing/methods", statement: "/account/billing/statement", "billing-proof": "/account/billing/proof", "billing-details": "/account/billing/details", budget: "/account/billing/budget", coupons: "/account/billing/coupons", credit: "/account/billing/credit", exports: "/account/billing/exports",
  });
  await person.page.goto(`${instance.url}/plan`);
  assert.equal(await person.page.locator("input[name=plan]").count(), 3, "the plans to choose from");
  // Nobody set its record: it waits.
  await addDomain(person.page, instance, `shop.${unique("atlas")}.example`);
  await inspect(person, { domains: `${path}/domains` });
});

test("the pages behind mailed links, and those that a slip leads to, have no axe violation", async () => {
  const visitor = await newPerson(browser);
  const { page } = visitor;
  await page.goto(`${PORTAL}/signup`);
  await page.click("main form.form button[type=submit]");
  await page.waitForSelector("[aria-invalid=true]");
  await inspectHere(page, "signup-slips");
  const email = await signUp(page, {
    beforeVerifying: (link) => inspect(visitor, { verify: link, "verify-gone": "/verify/nothing" }),
  });
  await page.goto(`${PORTAL}/instances/new/details?plan=production`);
  await page.evaluate(() => { document.querySelector("main form.form").noValidate = true; });
  await page.fill("#f-subdomain", "www");
  await page.click("main form.form button[type=submit]");
  await page.waitForSelector("[aria-invalid=true]");
  await inspectHere(page, "order-slips");

  const other = `${unique("amina")}@example.com`;
  await page.goto(`${PORTAL}/account/security`);
  await page.fill("#f-email", other);
  await page.fill("#f-password", PASSWORD);
  await page.locator("form[action='/account/security/email'] button[type=submit]").click();
  await page.waitForLoadState();
  const confirm = await linkMailedTo(page, other, "/confirm-email/");
  await inspect(visitor, { "confirm-email": confirm });
  await page.goto(confirm);
  await page.click("main form.form button[type=submit]");
  await page.waitForURL((url) => !url.pathname.startsWith("/confirm-email/"));
  await inspect(visitor, { "undo-email": await linkMailedTo(page, email, "/undo-email/") });

  const forgetful = await newPerson(browser);
  await forgetful.page.goto(`${PORTAL}/forgot`);
  await forgetful.page.fill("#f-email", other);
  await forgetful.page.click("main form.form button[type=submit]");
  await forgetful.page.waitForLoadState();
  await inspectHere(forgetful.page, "forgot-sent");
  await inspect(forgetful, { reset: await linkMailedTo(forgetful.page, other, "/reset/") });

  await logIn(forgetful.page, other);
  await forgetful.page.goto(`${PORTAL}/account/close`);
  await forgetful.page.fill("#f-typed", "Atlas Textiles");
  await forgetful.page.fill("#f-password", PASSWORD);
  await forgetful.page.click("main form.form button[type=submit]");
  await forgetful.page.waitForURL((url) => url.pathname !== "/account/close");
  await inspect(forgetful, { closing: "/account/closing" });
});
