// Which pages the other files have inspected, beside the pages that there are.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { INSPECTED } from "./support.mjs";

// Answers that are no pages.
const NOT_PAGES = new Set([
  "/assets/{file}", "/health", "/instances/check-name", "/instances/{id}/events", "/instances/{id}/logs/stream",
  "/account/billing/invoices/{document}/files/{kind}", "/account/billing/invoices/{document}/lines/{line}/hours.csv",
  "/account/billing/exports/file", "/account/billing/cards/{wish}/events", "/account/billing/invoices/{document}/recompute.json.gz", "/account/billing/recompute.py",
  "/account/billing/invoices/{document}/lines/{line}/readings.csv",
  "/staff/usage.csv", "/staff/usage.json", "/staff/exports/file", "/staff/revenue/movements.csv", "/staff/revenue/billed.csv", "/staff/billing/dry-run.csv", "/staff/billing/documents/{document}/files/{kind}",
]);

test("every page that the router knows was inspected", () => {
  const routes = [...readFileSync(new URL("../../src/web/routes.rs", import.meta.url), "utf8").matchAll(/^ {4}Get +"([^"]+)"/gm)].map(([, path]) => path);
  assert.ok(routes.length > 50, `${routes.length} routes were read`);
  const inspected = readFileSync(INSPECTED, "utf8").split("\n").filter(Boolean);
  const covers = (route) => {
    const pattern = new RegExp(`^${route.replaceAll(/[.]/g, "\\.").replaceAll(/\{[a-z]+\}/g, "[^/]+")}$`);
    // `/staff/hosts/new` is a page of its own, not the machine called new.
    return inspected.some((path) => pattern.test(path) && (route === path || !routes.includes(path)));
  };
  assert.deepEqual(routes.filter((route) => !NOT_PAGES.has(route) && !covers(route)), []);
});
