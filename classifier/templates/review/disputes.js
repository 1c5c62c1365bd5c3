// The page on which someone settles segments that coders coded differently.

import { CodeList, chips } from "./codes.js";
import { helpDialog, listen, onClick } from "./keyboard.js";
import { ask, at, byCode, data, filled, greeting, make, named, newId, renewed, t } from "./page.js";
import { outbox } from "./saving.js";
import { showSentence } from "./sentence.js";

let item = null;
let names = false;
let touched = false; // whether the settler has chosen anything yet
let loads = 0; // segments asked for: what comes late is not shown
const home = at("sentence");
const notice = (text) => { at("notice").textContent = text; };
const list = new CodeList(() => { touched = true; chosen(); }, () => {});

function show({ item: found, left }, text = "") {
  item = found;
  busy(false);
  at("left").textContent = filled(t.disputes.left, { n: left });
  at("done").hidden = item !== null;
  ["bench", "actions"].forEach((id) => { at(id).hidden = item === null; });
  if (item === null) return;
  touched = false;
  showSentence(item);
  at("note").value = "";
  openNote(false);
  const blind = item.sides === null;
  ["own-place", "codes-place", "manual", "accept", "names", "note-button"].forEach((id) => { at(id).hidden = blind; });
  at("first-code").hidden = !blind;
  at("go-code").href = `/?id=${encodeURIComponent(item.id)}`;
  notice(text || (blind ? t.disputes.code_first : ""));
  list.start(blind ? [] : agreed(), null);
  const contested = blind ? [] : item.sides.flatMap(({ codes }) => codes).filter((code) => byCode.has(code) && !agreed().includes(code));
  if (contested.length) list.describe(byCode.get(contested[0]).n);
  at("sides").replaceChildren(...(item.sides || []).map(side));
  chosen();
  window.scrollTo(0, 0);
  home.focus({ preventScroll: true });
}

// Between a settlement and the segment after it keys decide nothing: what is still in sight says so.
const busy = (yes) => at("bench").setAttribute("aria-busy", String(yes));

const agreed = () => item.sides[0].codes.filter((code) => item.sides.every((one) => one.codes.includes(code)));

function side(one, i) {
  const heading = one.name ? one.name : filled(t.disputes.coder, { letter: t.disputes.letters[i] || i + 1 });
  const tags = one.codes.map((code) => {
    const only = item.sides.some((other) => !other.codes.includes(code));
    return make("li", { class: only ? "tagged only" : "tagged", title: only && t.disputes.only_here }, named([code]));
  });
  const take = make("button", { type: "button" }, t.disputes.choose, i < 2 && make("kbd", { "aria-hidden": "true" }, "[]"[i]));
  onClick(take, () => list.set(one.codes), home);
  return make("section", { class: "side", "data-codes": JSON.stringify(one.codes) }, make("h2", {}, heading),
    make("ul", {}, ...(tags.length ? tags : [make("li", { class: "tagged" }, t.none)])), one.note && make("p", { class: "small soft" }, filled(t.disputes.note_of, { note: one.note })), take);
}

function chosen() {
  const now = JSON.stringify(list.list());
  document.querySelectorAll(".side").forEach((one) => one.classList.toggle("chosen", touched && one.dataset.codes === now));
  const inChips = at("chips").contains(document.activeElement);
  at("chips").replaceChildren(...chips(list, [[t.disputes.own, list.list()]], touched ? t.none : t.disputes.own_about));
  if (inChips) home.focus({ preventScroll: true });
}

function accept() {
  if (item === null || item.sides === null) return;
  if (!touched) { notice(t.disputes.own_about); return; }
  if (data.exclusive && list.chosen.size !== 1) { notice(t.review.exclusive); return; }
  const { id, settlement } = item;
  outbox.add("/settle", { event_id: newId(), segment_id: id, coder: data.coder, before: settlement, codes: list.list(), codebook: data.codebook, note: at("note").value.trim() });
  item = null;
  busy(true);
}

// Where nothing that could be settled is in sight, it is asked for until it comes.
async function load(query, text = "") {
  const own = (loads += 1), path = `/dispute?${new URLSearchParams({ ...query, names: names ? "1" : "0" })}`;
  for (let pause = 500; own === loads; pause = Math.min(2 * pause, 5000)) {
    try {
      const found = await ask(path);
      if (own === loads) show(found, text);
      return;
    } catch (problem) {
      notice(problem.status ? problem.message : t.status.offline);
      if (item !== null) return;
      await new Promise((done) => { setTimeout(done, pause); });
    }
  }
}

function later() {
  if (item !== null) load({ after: item.id });
}

outbox.on("saved", (entry, found) => {
  if (entry.path === "/undo") {
    load({ id: found.segment_id }, t.disputes.undone);
  } else {
    load({ after: entry.body.segment_id });
  }
});
outbox.on("refused", async (entry, problem) => {
  if (await renewed(problem, "/disputes")) return;
  load({ id: entry.body.segment_id }, problem.status === 409 ? t.status.outdated : filled(t.status.refused, { reason: problem.message }));
});

function openNote(yes, focus = false) {
  at("note-place").hidden = !yes;
  at("note-button").setAttribute("aria-expanded", String(yes));
  if (yes && focus) at("note").focus();
}
at("note").addEventListener("keydown", (event) => {
  if (event.key === "Escape" || (event.key === "Enter" && !event.shiftKey && !event.isComposing)) { event.preventDefault(); home.focus(); }
});

function toggleNames() {
  names = !names;
  at("names").setAttribute("aria-pressed", String(names));
  at("names").textContent = names ? t.disputes.hide_names : t.disputes.show_names;
  if (item !== null) load({ id: item.id });
}

const help = helpDialog(at("help"), at("help-button"), at("close-help"));
const toggleNote = () => openNote(at("note-place").hidden, true);
async function undo() {
  try {
    await outbox.idle();
    const found = await ask("/last");
    if (found.undoes === null) notice(t.review.nothing_to_undo);
    else outbox.add("/undo", { undoes: found.undoes, segment_id: found.segment_id, coder: data.coder });
  } catch (problem) {
    notice(problem.status ? problem.message : t.status.offline);
  }
}
const take = (i) => () => { if (item && item.sides && item.sides[i]) list.set(item.sides[i].codes); };
Object.entries({ accept, later, undo, names: toggleNames, "note-button": toggleNote }).forEach(([id, act]) => onClick(at(id), act, home));
listen(
  {
    Enter: accept, s: later, u: undo, "[": take(0), "]": take(1), ".": toggleNote, "?": help, "-": () => { if (item && item.sides) list.set([]); },
    "/": () => at("find").focus(), ArrowDown: () => list.move(1), ArrowUp: () => list.move(-1), " ": () => { if (list.active !== null) list.toggle(list.active); },
  },
  (key) => item !== null && item.sides !== null && list.key(key),
  (key) => item === null && key !== "u" && key !== "?",
);
show(data.dispute, greeting());
