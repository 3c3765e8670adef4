// The log viewer: follows a stream, keeps at most some thousand lines, pauses, finds, wraps.

const KEPT = 5000;

for (const viewer of document.querySelectorAll(".log")) {
  const list = viewer.querySelector("ol");
  const part = (name) => viewer.querySelector(`[data-log-${name}]`);
  const state = part("state");
  const find = viewer.querySelector("input[type=search]");
  const pause = part("pause");
  let paused = false;
  let pending = [];
  let frame = 0;
  part("bar").hidden = false;
  list.scrollTop = list.scrollHeight;

  const matches = (line) => !find.value || line.textContent.toLowerCase().includes(find.value.toLowerCase());
  const shown = (item) => {
    // Colours of terminals are noise here; the words carry the level.
    const text = item.textContent;
    if (text.includes("\u001b")) item.textContent = text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, "");
    if (/\b(ERROR|CRITICAL|FATAL)\b/.test(text)) item.className = "bad";
    else if (/\bWARNING\b/.test(text)) item.className = "warn";
    item.hidden = !matches(item);
  };
  const line = (text) => {
    const item = document.createElement("li");
    item.textContent = text;
    shown(item);
    return item;
  };
  for (const item of list.children) shown(item);
  const show = () => {
    frame = 0;
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    list.append(...pending.slice(-KEPT).map(line));
    pending = [];
    while (list.childElementCount > KEPT) list.firstElementChild.remove();
    if (atEnd) list.scrollTop = list.scrollHeight;
  };
  const due = () => {
    if (!paused && !frame) frame = requestAnimationFrame(show);
  };

  if (viewer.dataset.log) {
    const source = new EventSource(viewer.dataset.log);
    source.onopen = () => (state.textContent = paused ? state.dataset.pausedWord : state.dataset.liveWord);
    source.onerror = () => (state.textContent = state.dataset.lostWord);
    source.onmessage = (event) => {
      pending.push(...event.data.split("\n"));
      if (pending.length > KEPT) pending = pending.slice(-KEPT);
      due();
    };
  } else {
    pause.hidden = true;
  }
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? pause.dataset.resume : pause.dataset.pause;
    pause.setAttribute("aria-pressed", String(paused));
    state.textContent = paused ? state.dataset.pausedWord : state.dataset.liveWord;
    due();
  });
  part("wrap").addEventListener("click", (event) => {
    const nowrap = viewer.classList.toggle("nowrap-lines");
    event.currentTarget.setAttribute("aria-pressed", String(!nowrap));
  });
  find.addEventListener("input", () => {
    for (const item of list.children) item.hidden = !matches(item);
  });
}
