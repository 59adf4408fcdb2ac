for (const section of document.querySelectorAll("section.all")) {
  const [search, [kind, order], said] =
    [section.querySelector("input"), section.querySelectorAll("select"), section.querySelector("output")];
  const list = section.querySelector(".entries");
  const entries = [...list.children].map((row, place) =>
    ({ row, place, text: row.textContent.toLowerCase(), gain: Number(row.dataset.gain) }));
  const ways = { "": (a, b) => a.place - b.place, worst: (a, b) => a.gain - b.gain, best: (a, b) => b.gain - a.gain };
  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const one of entries) {
      const { kind: its, fault } = one.row.dataset;
      const fits = (!kind.value || kind.value === its || (kind.value === "fault" && fault)) &&
        words.every((word) => one.text.includes(word));
      one.row.hidden = !fits;
      shown += fits;
    }
    said.textContent = `${shown.toLocaleString("en")} of ${entries.length.toLocaleString("en")}`;
  };
  const sort = () => list.append(...[...entries].sort(ways[order.value]).map((one) => one.row));
  search.addEventListener("input", show);
  kind.addEventListener("change", show);
  order.addEventListener("change", sort);
  show();
  section.hidden = false;
  for (const link of document.querySelectorAll('.contents [href="#all"]')) link.hidden = false;
}
