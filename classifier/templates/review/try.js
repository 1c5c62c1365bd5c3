// An article, its segments coloured by what the model finds in them.

import { ask, askFile, at, byCode, data, filled, make, named, percent, t, track } from "./page.js";
import { mark } from "./sentence.js";

const MOST = data.most_characters, COLOURS = 24;
let text = "", segments = [], view = [], only = null, here = null;

const length = (value) => Array.from(value).length;
const notice = (line) => { at("notice").textContent = line; };
const reason = (problem) => (problem.status ? filled(t.try.failed, { reason: problem.message }) : t.status.offline);

// What a segment has in the chosen view: [{key, name, tone}]
function found(segment) {
  return view.filter(({ codes }) => codes.some((code) => segment.codes.includes(code)));
}

function setView(scheme) {
  const chosen = (data.schemes || []).find(({ id }) => id === scheme);
  const rows = chosen ? chosen.categories.map(([name, codes]) => ({ key: name, name, codes })) : data.codes.map((code) => ({ key: code.code, name: code.name, codes: [code.code] }));
  view = rows.map((row, i) => ({ ...row, tone: `t${(i % COLOURS) + 1}` }));
  only = null;
}

async function go() {
  const value = at("article").value;
  if (length(value) > MOST) { notice(t.try.too_long); return; }
  at("go").disabled = true;
  notice(`${t.try.working} ${data.ready ? "" : t.try.loading}`);
  try {
    const answered = await ask("/try", { text: value });
    data.ready = true;
    text = value;
    segments = answered.segments;
    notice(segments.length ? "" : t.try.nothing);
    if (segments.length) { at("paste").hidden = true; at("result").hidden = false; setView(at("scheme")?.value || ""); show(); window.scrollTo(0, 0); }
  } catch (problem) {
    notice(reason(problem));
  }
  at("go").disabled = false;
}

function show() {
  const coded = segments.filter((segment) => segment.codes.length).length;
  at("counts").textContent = filled(t.try.counts, { segments: segments.length, coded });
  legend();
  reading();
  table();
}

function legend() {
  const rows = view.map((row) => [row, segments.filter((segment) => found(segment).includes(row)).length]).filter(([, n]) => n);
  at("legend").replaceChildren(...rows.map(([row, n]) => {
    const made = make("button", { type: "button", "aria-pressed": String(only === row.key) }, make("i", { class: row.tone, "aria-hidden": "true" }), `${row.name} ${n}`);
    made.addEventListener("click", () => { only = only === row.key ? null : row.key; show(); });
    return made;
  }));
  if (!rows.length) at("legend").replaceChildren(make("span", { class: "soft" }, t.none));
}

function span(segment, i) {
  const has = found(segment), tone = only === null ? has[0] : has.find(({ key }) => key === only);
  const faded = only !== null && !tone;
  const made = make("span", { class: ["seg", tone && tone.tone, faded && "faded", here === i && "here"].filter(Boolean).join(" "), tabindex: "0", role: "button", "data-i": String(i),
    "aria-label": `${segment.text} ${has.map(({ name }) => name).join(t.comma) || t.none}` }, segment.text);
  made.append(...has.filter((row) => tone && row !== tone).map((row) => make("i", { class: `also ${row.tone}`, "aria-hidden": "true", title: row.name })));
  return made;
}

// The article as it is, what is no segment greyed.
function reading() {
  const points = Array.from(text), parts = [];
  let from = 0;
  const gap = (end) => { const between = points.slice(from, end).join("").replace(/\n\s*\n/g, "\n"); if (between.trim()) parts.push(make("span", { class: "gone", title: t.try.dropped }, between)); else parts.push(between); };
  segments.forEach((segment, i) => {
    gap(segment.start);
    parts.push(span(segment, i));
    from = segment.end;
  });
  gap(points.length);
  at("reading").replaceChildren(...parts);
}

function table() {
  const rows = segments.map((segment, i) => [segment, i]).filter(([segment]) => only === null || found(segment).some(({ key }) => key === only));
  at("table").tBodies[0].replaceChildren(...rows.map(([segment, i]) => make("tr", {}, make("td", { class: "n" }, String(i + 1)), make("td", { lang: "zh-CN" }, segment.text), make("td", {}, found(segment).map(({ name }) => name).join(t.comma) || "–"))));
}

async function why(i) {
  if (here === i) return;
  here = i;
  document.querySelectorAll(".seg.here").forEach((one) => one.classList.remove("here"));
  document.querySelector(`.seg[data-i="${i}"]`)?.classList.add("here");
  const segment = segments[i];
  const answered = await ask("/why", { text: segment.raw }).catch((problem) => ({ problem }));
  if (here !== i) return;
  if (answered.problem) { at("why").replaceChildren(make("p", {}, reason(answered.problem))); return; }
  const spans = segment.codes.flatMap((code) => answered.spans[code] || []);
  const quote = make("p", { class: "quote", lang: "zh-CN" });
  mark(quote, segment.text, spans);
  const points = Array.from(segment.text);
  const rows = answered.probabilities.filter(([code]) => byCode.has(code)).map(([code, p]) => {
    const said = (answered.spans[code] || []).map(([a, b]) => points.slice(a, b).join("")).join(t.comma);
    return make("div", segment.codes.includes(code) ? { class: "given" } : {}, make("dt", {}, named([code])), make("dd", { class: "n" }, percent(p)), track(p), said && make("dd", { class: "words" }, `${t.try.words}${t.colon}${said}`));
  });
  at("why").replaceChildren(make("h2", {}, named(segment.codes) || t.try.place), quote, make("dl", {}, ...rows));
  at("why").scrollTop = 0;
}

async function download(format) {
  try {
    const body = { text, format, scheme: at("scheme")?.value || null };
    const link = make("a", { href: URL.createObjectURL(await askFile("/try-table", body)), download: `fupin.${format}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  } catch (problem) {
    at("why").replaceChildren(make("p", {}, reason(problem)));
  }
}

function asTable(yes) {
  at("table-place").hidden = !yes;
  at("reading").hidden = yes;
  at("as-table").setAttribute("aria-pressed", String(yes));
  at("as-text").setAttribute("aria-pressed", String(!yes));
}

let timer = 0;
const segmentOf = (event) => event.target.closest(".seg");
at("reading").addEventListener("click", (event) => { const one = segmentOf(event); if (one) why(Number(one.dataset.i)); });
at("reading").addEventListener("keydown", (event) => { const one = segmentOf(event); if (one && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); why(Number(one.dataset.i)); } });
at("reading").addEventListener("pointerover", (event) => {
  const one = segmentOf(event);
  clearTimeout(timer);
  if (one && event.pointerType === "mouse") timer = setTimeout(() => why(Number(one.dataset.i)), 150);
});
at("go").addEventListener("click", go);
at("again").addEventListener("click", () => { at("result").hidden = true; at("paste").hidden = false; at("article").focus(); });
at("as-text").addEventListener("click", () => asTable(false));
at("as-table").addEventListener("click", () => asTable(true));
at("scheme")?.addEventListener("change", () => { setView(at("scheme").value); show(); });
document.querySelectorAll("[data-format]").forEach((button) => button.addEventListener("click", () => download(button.dataset.format)));
at("article").addEventListener("input", () => { at("characters").textContent = filled(t.try.characters, { n: length(at("article").value).toLocaleString() }); });
