// Reads a graph out: the numbers come from the table below it, by mouse, touch or arrow keys.

for (const plot of document.querySelectorAll("[data-graph]")) {
  const graph = plot.closest(".graph");
  const output = graph.querySelector("output");
  const cursor = plot.querySelector(".cursor");
  const points = () => {
    const rows = [...graph.querySelectorAll("tbody tr")];
    return rows.map((row) => ({ at: Number(row.dataset.x), row })).sort((a, b) => a.at - b.at);
  };
  let index = -1;

  const show = (to) => {
    const all = points();
    if (!all.length) return;
    index = Math.max(0, Math.min(all.length - 1, to));
    const { at, row } = all[index];
    const [when, ...values] = [...row.cells].map((cell) => cell.textContent.trim());
    const names = [...graph.querySelectorAll("thead th")].slice(1).map((cell) => cell.textContent.trim());
    output.textContent = `${when} · ${values.map((value, i) => (names.length > 1 ? `${names[i]} ${value}` : value)).join(" · ")}`;
    cursor.setAttribute("x1", `${at / 10}%`);
    cursor.setAttribute("x2", `${at / 10}%`);
    cursor.removeAttribute("visibility");
  };
  const hide = () => {
    index = -1;
    cursor.setAttribute("visibility", "hidden");
    output.textContent = output.dataset.idle || "";
  };
  plot.addEventListener("pointermove", (event) => {
    const box = plot.querySelector(".inside").getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * 1000;
    const all = points();
    let best = 0;
    all.forEach((point, i) => {
      if (Math.abs(point.at - x) < Math.abs(all[best].at - x)) best = i;
    });
    show(best);
  });
  plot.addEventListener("pointerleave", hide);
  plot.addEventListener("blur", hide);
  plot.addEventListener("keydown", (event) => {
    const last = points().length - 1;
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (step) show(index < 0 ? last : index + step);
    else if (event.key === "Home") show(0);
    else if (event.key === "End") show(last);
    else if (event.key === "Escape") return hide();
    else return;
    event.preventDefault();
  });
}
