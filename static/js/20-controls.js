// Small comforts: checks while typing, copy, show password, dialogs in old browsers, double submits, shortcuts.

const root = document;

for (const input of root.querySelectorAll("[data-check]")) {
  const output = root.getElementById(input.id.replace("f-", "o-"));
  let timer = 0;
  let asked = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    const turn = ++asked;
    if (!input.value) return output.replaceChildren();
    timer = setTimeout(async () => {
      try {
        const join = input.dataset.check.includes("?") ? "&" : "?";
        const answer = await fetch(`${input.dataset.check}${join}value=${encodeURIComponent(input.value)}`);
        const text = answer.ok ? await answer.text() : "";
        // An answer to what was typed earlier is no answer.
        if (turn === asked) output.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
      } catch {
        output.replaceChildren();
      }
    }, 250);
  });
}

for (const button of root.querySelectorAll("[data-reveal]")) button.hidden = false;

function toast(words) {
  const region = root.getElementById("toasts");
  if (!region) return;
  const item = root.createElement("p");
  item.className = "toast";
  item.textContent = words;
  region.replaceChildren(item);
  setTimeout(() => item.remove(), 2500);
}

root.addEventListener("click", async (event) => {
  const target = event.target.closest?.("button, summary");
  if (!target) return;
  if (target.dataset.copy !== undefined) {
    try {
      await navigator.clipboard.writeText(target.dataset.copy);
      toast(target.dataset.done);
    } catch {
      getSelection().selectAllChildren(target.previousElementSibling);
    }
  } else if (target.dataset.reveal) {
    const input = root.getElementById(target.dataset.reveal);
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    target.textContent = shown ? target.dataset.show : target.dataset.hide;
    target.setAttribute("aria-pressed", String(!shown));
  } else if (target.dataset.dismiss !== undefined) {
    target.closest(".flash").remove();
  } else if (target.getAttribute("commandfor") && !("commandForElement" in HTMLButtonElement.prototype)) {
    const dialog = root.getElementById(target.getAttribute("commandfor"));
    if (target.getAttribute("command") === "close") dialog.close();
    else dialog.showModal();
  }
});

// The button of a dangerous act wakes up when the name is right; the server checks again.
for (const input of root.querySelectorAll("[data-typed]")) {
  const button = input.form.querySelector("button[type=submit]");
  const check = () => (button.disabled = input.value.trim() !== input.dataset.typed);
  input.addEventListener("input", check);
  check();
}
root.querySelector("dialog[data-open]")?.showModal();
root.querySelector("[data-focus]")?.focus();

// A second click on a form that is on its way does nothing.
root.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "1";
  event.submitter?.setAttribute("aria-busy", "true");
  setTimeout(() => settle(form), 8000);
});
const settle = (form) => {
  delete form.dataset.sent;
  form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
};
// The back button brings a page back as it was, so as it was before the click.
addEventListener("pageshow", (event) => event.persisted && root.querySelectorAll("form[data-sent]").forEach(settle));

// Menus close like menus.
root.addEventListener("click", (event) => {
  for (const menu of root.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
root.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const menu = root.activeElement?.closest?.("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
  const search = root.querySelector("[data-search]");
  const typing = root.activeElement?.matches?.("input, textarea, select");
  if (search && ((event.key === "k" && (event.metaKey || event.ctrlKey)) || (event.key === "/" && !typing))) {
    event.preventDefault();
    search.focus();
    search.select();
  }
});
