"use strict";
const rows = [...document.querySelectorAll(".runs tbody tr")];
const text = document.querySelector("#text"), status = document.querySelector("#status"), count = document.querySelector("#count");
const filter = () => {
  const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const said = row.textContent.toLowerCase();
    row.hidden = !wanted.every((one) => said.includes(one)) || (status.value !== "" && row.dataset.status !== status.value);
    shown += row.hidden ? 0 : 1;
  }
  count.textContent = shown === 1 ? "1 run" : shown + " runs";
};
const sort = (key, ascending) => {
  const value = (row) => row.dataset[key] ?? "";
  const order = [...rows].sort((one, other) => {
    const [a, b] = [value(one), value(other)];
    if ((a === "") !== (b === "")) return a === "" ? 1 : -1; // what has no value comes last
    const difference = Number.isNaN(Number(a)) ? a.localeCompare(b) : Number(a) - Number(b);
    return ascending ? difference : -difference;
  });
  document.querySelector(".runs tbody").append(...order);
};
for (const head of document.querySelectorAll(".runs th[data-key]")) {
  head.querySelector("button").addEventListener("click", () => {
    const ascending = head.getAttribute("aria-sort") === "descending";
    for (const other of document.querySelectorAll(".runs th[data-key]")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    sort(head.dataset.key, ascending);
  });
}
document.querySelector("#order").addEventListener("change", (event) => sort(event.target.value, event.target.value === "name" || event.target.value === "status"));
text.addEventListener("input", filter);
status.addEventListener("change", filter);
filter();
