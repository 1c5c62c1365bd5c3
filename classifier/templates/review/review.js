// The page on which segments are coded.

import { CodeList, chips } from "./codes.js";
import { helpDialog, listen, onClick } from "./keyboard.js";
import { ask, at, byCode, data, filled, greeting, make, named, newId, percent, renewed, t } from "./page.js";
import { outbox } from "./saving.js";
import { mark, showSentence } from "./sentence.js";

const MAYBE = 0.2, MOST = 4; // the least probability of what is offered beside the model's codes, and how many
let item = null; // the segment shown; null while there is none
let ahead = null; // the segment after it, asked for in advance
let words = {}; // of the segment shown: code → spans that speak for it
const seen = []; // segments shown, in order
let place = -1;

const list = new CodeList(chosen, looked);
const home = at("sentence");
const notice = (text) => { at("notice").textContent = text; };

function show(found, text = "") {
  item = found;
  busy(false);
  words = {};
  at("done").hidden = true;
  at("bench").hidden = false;
  at("actions").hidden = false;
  showSentence(item);
  list.start(item.mine || item.proposed || [], item.probabilities);
  at("note").value = item.note || "";
  openNote(Boolean(item.note));
  notice(text || said());
  chosen();
  explain(item);
  ahead = ask(item.rank === null ? "/item" : `/item?after=${item.rank}`).catch(() => null);
  window.scrollTo(0, 0);
  inView();
  home.focus({ preventScroll: true });
}

// Between a decision and the segment after it keys decide nothing: what is still in sight says so.
const busy = (yes) => at("bench").setAttribute("aria-busy", String(yes));

// What surrounds the segment may be longer than its card: the segment itself is in view, from its beginning.
function inView() {
  const room = at("text"), over = home.offsetTop + home.offsetHeight - room.offsetTop - room.clientHeight;
  room.scrollTop = Math.max(0, Math.min(home.offsetTop - room.offsetTop, over));
}

function said() {
  const asked = item.question && filled(t.review.question, { question: item.question });
  if (item.hidden) return [asked, t.review.hidden].filter(Boolean).join(" ");
  if (asked) return asked;
  if (item.mine) return t.review.was_coded;
  return item.skipped ? t.review.was_skipped : "";
}

async function explain(shown) {
  if (shown.hidden) return;
  const found = await ask(`/evidence?id=${encodeURIComponent(shown.id)}`).catch(() => ({ spans: {} }));
  if (item !== shown) return;
  words = found.spans;
  looked(list.active === null ? null : data.codes[list.active].code);
}

function looked(code) {
  if (item === null) return;
  if (code !== null && words[code]) {
    mark(home, item.text, words[code]);
    at("evidence").textContent = filled(t.review.evidence_of, { code: byCode.get(code).name });
  } else {
    const spans = (item.proposed || []).flatMap((given) => words[given] || []);
    mark(home, item.text, spans);
    at("evidence").textContent = spans.length ? t.review.evidence : "";
  }
}

function chosen() {
  const proposed = (item.proposed || []).filter((code) => byCode.has(code));
  const maybe = Object.entries(item.probabilities || {}).filter(([code, p]) => p >= MAYBE && byCode.has(code) && !proposed.includes(code));
  const offered = maybe.sort((a, b) => b[1] - a[1]).slice(0, MOST).map(([code]) => code);
  const others = list.list().filter((code) => !proposed.includes(code) && !offered.includes(code));
  const kinds = [[t.review.proposed, proposed], [t.review.maybe, offered], [t.review.chosen, others]];
  const inChips = at("chips").contains(document.activeElement);
  at("chips").replaceChildren(...chips(list, kinds, item.hidden ? t.none_single : t.review.no_proposal));
  if (inChips) home.focus({ preventScroll: true });
  at("accept").firstElementChild.textContent = list.chosen.size || data.exclusive ? t.review.accept : t.review.accept_none;
}

// --- deciding ---

function decide(kind, codes) {
  const decided = item;
  outbox.add("/decide", {
    event_id: newId(), segment_id: item.id, coder: data.coder, kind, before: item.mine, codes, codebook: data.codebook, note: at("note").value.trim(),
  });
  Object.assign(decided, { mine: codes, skipped: kind === "skipped", note: at("note").value.trim() });
  item = null;
  busy(true);
  onward();
}

// Where the one after it was seen before and cannot be had just now, the next open one comes as soon as it can.
async function onward() {
  if (place < seen.length - 1) await step(1);
  if (item === null) goOn();
}

function accept() {
  if (item === null) return;
  if (data.exclusive && list.chosen.size !== 1) notice(t.review.exclusive);
  else decide("coded", list.list());
}

function skip() {
  if (item !== null) decide("skipped", null);
}

function arrive(found, text) {
  if (seen[place] !== found.id) {
    seen.push(found.id);
    place = seen.length - 1;
  }
  show(found, text);
}

// Goes on to the next segment without a decision; where none lies ahead, back to the first that was passed.
async function goOn() {
  const after = ahead;
  ahead = null;
  let found = after && (await after);
  for (let pause = 500; !found || !found.item; pause = Math.min(2 * pause, 5000)) {
    try {
      await idle();
      found = await ask("/item");
      if (!found.item) { finish(found); return; }
    } catch {
      notice(t.status.offline);
      await new Promise((done) => { setTimeout(done, pause); });
    }
  }
  if (item === null) arrive(found.item);
}

// Until all decisions are saved the server counts segments as open that are not.
const idle = () => outbox.idle();

async function step(by) {
  const target = seen[place + by];
  if (target === undefined) {
    if (by < 0) notice(t.review.at_first);
    else if (item !== null) lookAhead();
    return;
  }
  const found = await open(target);
  if (found) { place += by; show(found); }
}

async function lookAhead() {
  const found = ahead && (await ahead);
  if (found && found.item) arrive(found.item);
  else notice(t.review.at_last);
}

async function open(id) {
  try {
    await idle();
    return (await ask(`/item?id=${encodeURIComponent(id)}`)).item;
  } catch (problem) {
    notice(problem.status ? problem.message : t.status.offline);
    return null;
  }
}

async function undo() {
  const found = await lastDecision();
  if (found) outbox.add("/undo", { undoes: found.undoes, segment_id: found.segment_id, coder: data.coder });
}

// Which decision would be undone is asked first, so that an undo sent twice undoes once.
async function lastDecision() {
  try {
    await idle();
    const found = await ask("/last");
    if (found.undoes !== null) return found;
    notice(t.review.nothing_to_undo);
  } catch (problem) {
    notice(problem.status ? problem.message : t.status.offline);
  }
  return null;
}

async function undone(found) {
  const back = await open(found.segment_id);
  const codes = found.codes === null ? t.none_single : named(found.codes) || t.none;
  if (back) arrive(back, filled(t.review.undone, { codes }));
}

outbox.on("saved", (entry, found) => {
  if (entry.path === "/undo") undone(found);
  refreshBar();
});
outbox.on("refused", async (entry, problem) => {
  if (await renewed(problem, `/?id=${encodeURIComponent(entry.body.segment_id)}`)) return;
  const back = await open(entry.body.segment_id);
  const text = problem.status === 409 ? t.status.outdated : filled(t.status.refused, { reason: problem.message });
  if (back) arrive(back, text);
  else notice(text);
});

// --- what is done so far ---

function finish(found) {
  at("bench").hidden = true;
  at("actions").hidden = true;
  at("done").hidden = false;
  at("done-heading").textContent = found.total ? t.review.done : t.review.empty;
  const skipped = found.skipped ? filled(t.review.done_skipped, { n: found.skipped }) : "";
  at("done-about").textContent = found.total ? `${skipped} ${t.review.done_more}` : "";
  at("see-skipped").hidden = !found.skipped;
}

async function seeSkipped() {
  const { ids } = await ask("/skipped");
  if (!ids.length) return;
  seen.splice(0, seen.length, ...ids);
  place = -1;
  step(1);
}

let timer = 0;
function refreshBar() {
  if (timer) return; // one who codes faster than that sees it move all the same
  timer = setTimeout(async () => { timer = 0; const found = await ask("/bar").catch(() => null); if (found) showBar(found); }, 300);
}

function showBar(found) {
  const of = (n, all) => filled(t.bar.of, { n, all });
  const rows = [[t.bar.coded, of(found.coded, found.total)], [t.bar.skipped, found.skipped], [t.bar.gold, found.gold_total ? of(found.gold, found.gold_total) : null],
    [t.bar.model, percent(found.model), t.bar.about_model], [t.bar.others, found.others === null ? null : percent(found.others), t.bar.about_others]];
  at("bar").replaceChildren(...rows.filter(([, value]) => value !== null).map(([name, value, about]) => make("div", { title: about }, make("dt", {}, name), make("dd", {}, String(value)))));
  at("bar-track").style.width = `${found.total ? (100 * (found.coded + found.skipped)) / found.total : 0}%`;
}

function openNote(yes, focus = false) {
  at("note-place").hidden = !yes;
  at("note-button").setAttribute("aria-expanded", String(yes));
  inView();
  if (yes && focus) at("note").focus();
}

at("note").addEventListener("keydown", (event) => {
  if (event.key === "Escape" || (event.key === "Enter" && !event.shiftKey && !event.isComposing)) { event.preventDefault(); home.focus(); }
});

const help = helpDialog(at("help"), at("help-button"), at("close-help"));
const toggleNote = () => openNote(at("note-place").hidden, true);
const actions = { accept, skip, undo, back: () => step(-1), forward: () => step(1), clear: () => list.set([]), "note-button": toggleNote };
Object.entries(actions).forEach(([id, act]) => onClick(at(id), () => { if (item !== null || id === "undo") act(); }, home));
at("see-skipped").addEventListener("click", seeSkipped);
listen(
  {
    Enter: accept, s: skip, u: undo, ArrowLeft: actions.back, ArrowRight: actions.forward, ArrowDown: () => list.move(1), ArrowUp: () => list.move(-1),
    "-": actions.clear, ".": toggleNote, "/": () => { at("find").focus(); at("find").select(); }, "?": help,
    " ": () => { if (list.active !== null) list.toggle(list.active); },
  },
  (key) => list.key(key),
  (key) => item === null && key !== "u" && key !== "?",
);

showBar(data.bar);
if (data.item) arrive(data.item, greeting());
else finish(data.bar);
