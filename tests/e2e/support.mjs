// People who use the portal in a browser, and what is checked on every page.
import assert from "node:assert/strict";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { chromium } from "playwright-core";

export const PORTAL = process.env.PORTAL_URL ?? "http://localhost:8080";
const SCREENSHOTS = new URL("../../target/screenshots/", import.meta.url).pathname;
mkdirSync(SCREENSHOTS, { recursive: true });
// The paths that were inspected, one a line; the last file of tests compares them with the router's.
export const INSPECTED = `${SCREENSHOTS}inspected.txt`;
export const PASSWORD = "seven otters juggle lanterns";

// A name that no other run or test uses.
export const unique = (prefix) => `${prefix}-${randomBytes(4).toString("hex")}`;

export async function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

// One person's browser window: their own cookies, and a list of what the console complained about.
export async function newPerson(browser, options = {}) {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const complaints = [];
  page.on("console", (message) => {
    // Odoo has complaints of its own; the portal must have none.
    if (message.type() === "error" && message.location().url.startsWith(PORTAL)) complaints.push(message.text());
  });
  page.on("pageerror", (error) => {
    if (page.url().startsWith(PORTAL)) complaints.push(error.message);
  });
  return { context, page, complaints };
}

// One of our own people, logged in with both factors: written by the database's owner, because the first one's link (the staff's story) works
// once. `sql` runs a text there.
export async function newStaff(browser, sql) {
  const person = await newPerson(browser);
  const token = randomBytes(32).toString("hex");
  const hash = createHash("sha256").update(token).digest("hex");
  const email = `${unique("salma")}@example.com`;
  sql(`
    WITH made AS (
        INSERT INTO staff (id, email, email_key, name, password_hash, locale, totp_sealed, totp_confirmed_at, created_at)
        VALUES (gen_random_uuid(), '${email}', '${email}', 'Salma Idrissi', '', 'en', '', now(), now())
        RETURNING id)
    INSERT INTO staff_sessions (id, token_hash, staff_id, is_complete, created_at, seen_at, expires_at, user_agent, address)
    SELECT gen_random_uuid(), '\\x${hash}', id, true, now(), now(), now() + interval '2 hours', 'e2e', '127.0.0.1' FROM made`);
  const secure = PORTAL.startsWith("https:") ? "__Host-" : "";
  await person.context.addCookies([{ name: `${secure}sayoo-staff`, value: token, url: PORTAL, httpOnly: true, sameSite: "Strict" }]);
  return person;
}

// Signs up, finds the mail in the catcher, and proves the address.
export async function signUp(page, { company = "Atlas Textiles", beforeVerifying = async () => {} } = {}) {
  const email = `${unique("amina")}@example.com`;
  await page.goto(`${PORTAL}/signup`);
  await page.fill("#f-name", "Amina Benali");
  await page.fill("#f-email", email);
  await page.fill("#f-company", company);
  await page.fill("#f-password", PASSWORD);
  await page.click("main form.form button[type=submit]");
  await page.waitForURL((url) => url.pathname !== "/signup");
  const link = await linkMailedTo(page, email, "/verify/");
  await beforeVerifying(link);
  await page.goto(link);
  await page.click("main form.form button[type=submit]");
  await page.waitForURL((url) => !url.pathname.startsWith("/verify/"));
  if (new URL(page.url()).pathname === "/login") await logIn(page, email);
  return email;
}

export async function logIn(page, email, password = PASSWORD) {
  await page.goto(`${PORTAL}/login`);
  await page.fill("#f-email", email);
  await page.fill("#f-password", password);
  await page.click("main form.form button[type=submit]");
  await page.waitForURL((url) => url.pathname !== "/login");
}

// Waits for the mail (it is sent by the worker) and returns the link in it.
export async function linkMailedTo(page, email, path) {
  let link;
  await eventually(`a mail to ${email}`, 30, async () => {
    await page.goto(`${PORTAL}/dev/mails`);
    const mail = page.locator("article", { hasText: email }).first();
    link = await mail.locator(`a[href*="${path}"]`).first().getAttribute("href", { timeout: 500 }).catch(() => null);
    return link !== null;
  });
  return link;
}

// Orders an instance in three screens; returns its page's address and its own address.
export async function orderInstance(page, { plan = "production", subdomain = unique("atlas"), name = "Atlas" } = {}) {
  await page.goto(`${PORTAL}/instances/new`);
  await page.check(`input[name=plan][value=${plan}]`, { force: true });
  await page.click("main form button[type=submit]");
  await page.waitForSelector("#f-subdomain");
  await page.fill("#f-name", name);
  await page.fill("#f-subdomain", subdomain);
  await page.selectOption("#f-language", "en_US");
  await page.click("main form.form button[type=submit]");
  await page.waitForSelector("#summary-title");
  await page.click("main form[method=post] button[type=submit]");
  await page.waitForURL((url) => /^\/instances\/[0-9a-f-]{36}$/.test(url.pathname));
  const at = new URL(page.url());
  const home = `${at.protocol}//${subdomain}.${at.host}`;
  return { url: page.url(), subdomain, home };
}

// Adds a domain of the customer's own; returns once it is listed.
export async function addDomain(page, instance, hostname) {
  await page.goto(`${instance.url}/domains`);
  await page.fill("#f-hostname", hostname);
  await page.click("main form.form button[type=submit]");
  await page.locator("main h2", { hasText: hostname }).waitFor();
}

export async function waitUntilRunning(page, instance) {
  await page.goto(instance.url);
  // The page follows by itself: no reload here on purpose.
  await page.waitForSelector("form[action$='/open'] button", { timeout: 240_000 });
}

export async function openOdoo(page, instance) {
  await page.goto(instance.url);
  await page.click("form[action$='/open'] button");
  await page.waitForURL((url) => url.href.startsWith(`${instance.home}/odoo`), { timeout: 90_000 });
  await page.waitForSelector(".o_main_navbar, .o_home_menu, .o_web_client .o_action_manager", { timeout: 90_000 });
}

// What the browser gets at an address. Not Playwright's own client: only the browser knows that NAME.localhost is this machine.
export async function statusOf(page, url) {
  const other = await page.context().newPage();
  try {
    return (await other.goto(url)).status();
  } finally {
    await other.close();
  }
}

// Tries until it is so; says what was waited for when it never is.
export async function eventually(what, seconds, isSo) {
  const end = Date.now() + seconds * 1000;
  let last;
  while (Date.now() < end) {
    try {
      if (await isSo()) return;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  assert.fail(`${what} did not come about in ${seconds} s${last ? `: ${last.message}` : ""}`);
}

// The code that an authenticator application shows (RFC 6238).
export function totp(base32, at = Date.now()) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  let bits = "";
  for (const letter of base32.replace(/[\s=]/g, "")) bits += alphabet.indexOf(letter).toString(2).padStart(5, "0");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac("sha1", key).update(counter).digest();
  const offset = mac[19] & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

const LOOKS = [
  ["en", "light"], ["en", "dark"], ["fr", "light"], ["fr", "dark"], ["ar", "light"], ["ar", "dark"],
];
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

async function violationsOf(page, place) {
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  return violations.map(({ id, nodes }) => `${place}: ${id} at ${nodes.slice(0, 3).map((node) => node.target).join(" | ")}`);
}

// Checks what is on the screen now, which no address leads to: the answer to a form, a page of the proxy.
export async function inspectHere(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    // Colours that are still on their way are nobody's colours.
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {}))));
    assert.deepEqual(await violationsOf(page, `${name} (${colorScheme})`), []);
    await page.screenshot({ path: `${SCREENSHOTS}${name}-here-${colorScheme}.png`, fullPage: true });
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}

// Checks each page in every language and theme: axe finds nothing, nothing sticks out at 360 px, and pictures are taken.
export async function inspect(person, pages) {
  const { context, page } = person;
  const secure = PORTAL.startsWith("https:") ? "__Host-" : "";
  const found = [];
  for (const [language, theme] of LOOKS) {
    await context.addCookies([
      { name: `${secure}sayoo-language`, value: language, url: PORTAL },
      { name: `${secure}sayoo-theme`, value: theme, url: PORTAL },
    ]);
    for (const [name, path] of Object.entries(pages)) {
      await page.setViewportSize({ width: 1280, height: 900 });
      const response = await page.goto(path.startsWith("http") ? path : PORTAL + path, { waitUntil: "load" });
      const place = `${name} (${language}, ${theme})`;
      const at = new URL(page.url());
      // Where a page leads elsewhere, that one was inspected.
      if (at.origin === new URL(PORTAL).origin) appendFileSync(INSPECTED, `${at.pathname}\n`);
      if (response.status() >= (/not-found|gone|proxy/.test(name) ? 500 : 400)) found.push(`${place}: status ${response.status()}`);
      found.push(...(await violationsOf(page, place)));
      const shown = await page.textContent("body");
      const raw = shown.match(/\b(staff|sandbox|sandboxes|instances|scaling|domains|order|account|login|signup|common|nav|error|status|step|role|meter)-[a-z]+-?[a-z-]*\b(?!\.)/g) ?? [];
      for (const key of new Set(raw)) if (MISSING.test(key)) found.push(`${place}: shows the key ${key}`);
      if (language === "fr") continue;
      for (const width of [360, 768, 1280]) {
        await page.setViewportSize({ width, height: width < 500 ? 780 : 900 });
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        if (over > 0) found.push(`${place}: ${over} px wider than the screen at ${width} px`);
        await page.screenshot({ path: `${SCREENSHOTS}${name}-${language}-${theme}-${width}.png`, fullPage: true });
      }
    }
  }
  await context.addCookies([{ name: `${secure}sayoo-language`, value: "en", url: PORTAL }]);
  assert.deepEqual(found, []);
}
// A key of our texts has at least two parts after its area; product words such as "sign-up" have not.
const MISSING = /^[a-z]+-[a-z]+-[a-z-]+$/;

// What stands on our company's documents.
const SELLER = {
  seller: {
    name: "Sayoo Lyon", legal_form: "SAS", capital: { amount: "100000", currency: "EUR" },
    address: { lines: ["12 rue des Ateliers"], postcode: "69003", city: "Lyon", country: "FR" },
    identifiers: { country: "FR", siren: "732829320", siret: "73282932000074", rcs_city: "Lyon", vat_number: "FR44732829320" },
    email: "billing@example.com", phone: null, website: null,
    bank: { holder: "Sayoo Lyon", iban: "FR1420041010050500013M02606", rib: null, bic: null, bank_name: "Banque" },
  },
  late_penalties: { kind: "ecb_plus_ten" }, recovery_fee: "40", vat_on_debits: false, remark: null,
};

// Fills in what stands on its documents, as an operator does.
export function fillInSeller() {
  const folder = mkdtempSync(join(tmpdir(), "sayoo-seller-"));
  try {
    writeFileSync(join(folder, "fr.json"), JSON.stringify(SELLER));
    execFileSync(process.env.SAYOO, ["billing", "seller", "FR", "--details", join(folder, "fr.json")]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
