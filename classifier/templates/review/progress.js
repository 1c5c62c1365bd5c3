// Agreement, which takes a moment to compute, and training a new model.

import { ask, at, filled, make, percent, t } from "./page.js";

const figure = (value) => (value === null ? "–" : value.toFixed(2).replace(/^-(?!0\.00$)/, "−").replace("-", ""));

function cell(estimate, sign = "") {
  const known = estimate && estimate[1] !== null && estimate[2] !== null;
  return make("td", { class: "n" }, (estimate && estimate[0] > 0 ? sign : "") + figure(estimate ? estimate[0] : null), known && make("small", {}, `[${figure(estimate[1])}, ${figure(estimate[2])}]`));
}

const count = (value) => make("td", { class: "n" }, value === null ? "–" : String(value));

function row(found, heading) {
  const figures = ["between", "model"].flatMap((kind) => ["alpha", "kappa", "f1"].map((name) => cell(found[kind] && found[kind][name])));
  return make("tr", heading ? { class: "total" } : {}, make("th", { scope: "row" }, heading || found.name), count(found.by_model), count(found.by_coders), ...figures);
}

function notes(found) {
  const told = (place, kind, label, missing) => {
    const part = found[kind];
    at(place).textContent = part ? `${label}${t.colon}${filled(t.progress.counted, { ...part, same: percent(part.same) })}` : missing;
  };
  told("between-note", "between", t.progress.between, t.progress.too_few);
  told("model-note", "model", t.progress.with_model, t.progress.too_few_model);
}

async function figures() {
  try {
    const found = await ask("/figures");
    at("figures").tBodies[0].replaceChildren(row(found.overall, t.progress.overall), ...found.codes.map((code) => row(code)));
    notes(found);
    at("figures").hidden = false;
    at("computing").hidden = true;
  } catch (problem) {
    at("computing").textContent = problem.status ? problem.message : t.status.offline;
  }
}

function showTraining(found) {
  const state = { running: t.progress.retrain_running, done: t.progress.retrain_done, failed: t.progress.retrain_failed }[found.state] || "";
  const kept = found.folder ? filled(t.progress.retrain_kept, { folder: found.folder }) : found.verdict && t.progress.retrain_not_kept;
  at("retrain-state").textContent = [state, found.reason ? t.progress.reasons[found.reason] : found.message, t.progress.verdicts[found.verdict], kept].filter(Boolean).join(" · ");
  at("retrain-next").textContent = found.folder ? filled(t.progress.retrain_next, { folder: found.folder }) : "";
  at("retrain-start").disabled = found.state === "running";
  at("retrain-tables").replaceChildren(...found.compared.flatMap(compared));
  if (found.state === "running") setTimeout(watch, 1000);
}

// Old and new model on one text: all codes together, then each code that occurs in it.
function compared({ text, segments, documents, rows }) {
  const figures = ({ value, low, high }) => [value, low, high];
  const heads = [t.progress.code, t.progress.support, t.progress.before, t.progress.after, t.progress.difference];
  const made = rows.filter((one, i) => i === 0 || one.support).map((one, i) => {
    const change = one.difference.value;
    const cells = [count(one.support), cell(figures(one.before)), cell(figures(one.after)), cell(figures(one.difference), "+")];
    if (change) cells[3].className = `n ${change < 0 ? "down" : "up"}`;
    return make("tr", i ? {} : { class: "total" }, make("th", { scope: "row" }, i ? one.name : t.progress.overall), ...cells);
  });
  const title = `${t.progress.compared[text] || text}${t.colon}${filled(t.progress.sizes, { segments, documents })}`;
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...heads.map((head, i) => make("th", i ? { class: "n" } : {}, head)))), make("tbody", {}, ...made));
  return [make("h3", { class: "spaced" }, title), make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, table)];
}

async function watch() {
  const found = await ask("/retrain").catch(() => null);
  if (found) showTraining(found);
  else setTimeout(watch, 3000);
}

async function start() {
  try {
    showTraining(await ask("/retrain", { even_if_worse: at("retrain-force").checked }));
  } catch (problem) {
    at("retrain-state").textContent = problem.status ? problem.message : t.status.offline;
  }
}

figures();
if (at("retrain-start")) {
  at("retrain-start").addEventListener("click", start);
  watch();
}
