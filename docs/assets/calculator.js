"use strict";
/* The coefficients come from tunedrop.cost.estimate (docs/reference/calculator.py); here they are only added up. */

/** Prompts and tokens that are trained on and held out, as tunedrop.dataset.prepare.split plans them. */
const split = (data, model, records, characters) => {
  const tokens = records * Math.ceil(characters / data.bytes_per_token);
  let test = Math.min(data.test_share, data.max_test_records / records);
  let validation = model.takes_validation ? data.validation_share : 0;
  if (model.max_validation_records) validation = Math.min(validation, model.max_validation_records / records);
  const spare = Math.max(0, (records - model.min_train_records) / records);
  const scale = Math.min(1, spare / (test + validation));
  test *= scale;
  validation *= scale;
  const prompts = Math.round(records * test);
  const asked = Math.min(1, data.max_prompts / Math.max(1, prompts));
  return { trained: tokens * (1 - test - validation), heldOut: tokens * test * asked, isAsked: test > 0 };
};

/** The lines of an estimate: item, source, and [low, likely, high] in US dollars. */
const estimate = (data, { model: id, records, characters, epochs, champion }) => {
  const model = data.models.find((one) => one.id === id);
  const { trained, heldOut, isAsked } = split(data, model, records, characters);
  return model.lines.map((line) => ({
    item: line.item,
    source: line.source,
    usd: line.fixed.map((fixed, place) =>
      fixed +
      (isAsked ? line.probes[place] : 0) +
      line.trained[place] * trained * epochs / 1e6 +
      (line.held_out[place] + (champion ? line.champion[place] : 0)) * heldOut / 1e6),
  }));
};

const show = (data, form) => {
  const values = {
    model: form.model.value,
    records: Number(form.records.value),
    characters: Number(form.characters.value),
    epochs: Number(form.epochs.value),
    champion: form.champion.checked,
  };
  const total = document.querySelector("#total");
  const table = document.querySelector("#costs");
  table.replaceChildren();
  if (!form.checkValidity() || !(values.records >= 1 && values.characters >= 1 && values.epochs >= 1)) {
    total.textContent = "Enter whole numbers of at least 1.";
    return;
  }
  const row = (tag, cells) => {
    const made = table.insertRow();
    for (const text of cells) made.append(Object.assign(document.createElement(tag), { textContent: text }));
  };
  const lines = estimate(data, values);
  row("th", ["US dollars", "low", "likely", "high", "price from"]);
  for (const line of lines) {
    row("td", [line.item, ...line.usd.map((one) => (line.source ? one.toFixed(2) : "?")), line.source]);
  }
  const [low, likely, high] = [0, 1, 2].map((place) =>
    lines.reduce((sum, line) => sum + line.usd[place], 0).toFixed(2));
  total.textContent = lines.every((line) => line.source)
    ? `About ${likely} USD (${low} to ${high}).`
    : `At least ${likely} USD: not every line has a dated price.`;
};

if (typeof document === "undefined") {
  module.exports = { estimate };
} else {
  const form = document.querySelector("#calculator");
  for (const { id, name } of PRICES.models) form.model.add(new Option(name, id));
  const follow = () => {
    form.epochs.value = PRICES.models.find((one) => one.id === form.model.value).epochs;
    show(PRICES, form);
  };
  form.model.addEventListener("change", follow);
  form.addEventListener("input", () => show(PRICES, form));
  form.addEventListener("submit", (event) => event.preventDefault());
  follow();
}
