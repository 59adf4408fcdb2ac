"use strict";
const search = document.querySelector("#text"), count = document.querySelector("#count");
const places = [...document.querySelectorAll(".places > li")].map((row) => ({ row, text: row.textContent.toLowerCase() }));
const filter = () => {
  const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const { row, text } of places) {
    row.hidden = !wanted.every((word) => text.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  for (const rule of document.querySelectorAll("section.rule")) {
    rule.hidden = wanted.length > 0 && !rule.querySelector(".places > li:not([hidden])");
  }
  count.textContent = `${shown.toLocaleString("en")} of ${places.length.toLocaleString("en")} findings`;
};
if (search) {
  search.addEventListener("input", filter);
  filter();
}
