// Live parts: when a stream says something changed, fetch the page again and exchange the part.

const streams = new Map();
const POLL = 5000;
const returned = new URLSearchParams(location.search).has("back");

for (const part of document.querySelectorAll("[data-live]")) {
  const address = part.dataset.live;
  if (!streams.has(address)) streams.set(address, new Set());
  streams.get(address).add(part.id);
}

for (const [address, ids] of streams) follow(address, ids);

function follow(address, ids) {
  let waiting = false;
  let polling = 0;
  const refresh = async () => {
    if (waiting) return;
    waiting = true;
    // Several messages in one instant are one change.
    await new Promise((done) => setTimeout(done, 60));
    waiting = false;
    await exchange(ids);
  };
  const poll = (on) => {
    if (on === Boolean(polling)) return;
    clearInterval(polling);
    polling = on ? setInterval(refresh, POLL) : 0;
  };
  const source = new EventSource(address);
  source.onopen = () => poll(false);
  source.onmessage = refresh;
  source.onerror = () => poll(true);
  source.addEventListener("go", (event) => {
    const target = new URL(event.data, location.href);
    if (target.origin === location.origin) location.assign(target);
  });
  source.addEventListener("end", () => {
    source.close();
    poll(false);
    refresh();
  });
  // What changed while the page slept in the background.
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
}

// Parts of which nobody tells: looked at again while the page says that something is still on its way there.
for (const { id } of document.querySelectorAll("[data-again]")) {
  const again = setInterval(async () => {
    if (!document.hidden) await exchange(new Set([id]));
    if (!document.getElementById(id)?.hasAttribute("data-again")) clearInterval(again);
  }, 2000);
}

async function exchange(ids) {
  const pages = new Map();
  for (const id of ids) {
    const old = document.getElementById(id);
    if (!old) continue;
    const from = old.dataset.from || location.href;
    if (!pages.has(from)) pages.set(from, page(from));
    const fresh = (await pages.get(from))?.getElementById(id);
    if (!fresh) continue;
    const waited = !old.querySelector("[data-go]");
    morph(old, fresh);
    // What was waited for is elsewhere: whoever comes back is not sent there again.
    if (waited && !returned) document.getElementById(id)?.querySelector("[data-go]")?.click();
  }
}

async function page(address) {
  try {
    const answer = await fetch(address, { headers: { accept: "text/html", "x-live": "1" } });
    if (answer.redirected && new URL(answer.url).pathname !== location.pathname) location.assign(answer.url);
    if (!answer.ok) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return null;
  }
}

// Changes only what differs, so that focus, selection, open menus and typed text stay.
function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || (old.id || "") !== (fresh.id || "")) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old === document.activeElement && old.matches("input, textarea, select")) return;
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !(name === "open" && old.matches("details, dialog"))) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  if (old.hasAttribute("data-log")) return;
  const before = [...old.childNodes];
  const after = [...fresh.childNodes];
  after.forEach((child, index) => (before[index] ? morph(before[index], child) : old.append(document.importNode(child, true))));
  before.slice(after.length).forEach((child) => child.remove());
}

// Elapsed time of running steps, in the page's language.
const elapsed = (seconds) => {
  const [value, unit] = seconds < 120 ? [seconds, "second"] : [Math.floor(seconds / 60), "minute"];
  return new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, unitDisplay: "short" }).format(value);
};
setInterval(() => {
  for (const item of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.round((Date.now() - Date.parse(item.dataset.since)) / 1000));
    if (Number.isFinite(seconds)) item.textContent = elapsed(seconds);
  }
}, 1000);
