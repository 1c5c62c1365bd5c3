// The list of all codes, those chosen among them, and what the manual says of the one looked at.

import { at, byCode, data, filled, make, named, percent, t, track } from "./page.js";

const DWELL = 250; // milliseconds of a pointer over a code until its definition is shown
const codes = data.codes;

export class CodeList {
  constructor(changed, looked) {
    this.changed = changed;
    this.looked = looked;
    this.chosen = new Set();
    this.active = null;
    this.buttons = [...document.querySelectorAll(".code")];
    this.box = document.querySelector(".codes"); // scrolls where there is much in it
    this.keys = new Map(codes.map((code, n) => [code.key, n]).filter(([key]) => key));
    this.buttons.forEach((button) => this.listen(button));
    at("find").addEventListener("input", () => this.filter());
    at("find").addEventListener("keydown", (event) => this.found(event));
  }

  listen(button) {
    const n = Number(button.dataset.n);
    let timer = 0;
    button.addEventListener("click", () => this.toggle(n));
    button.addEventListener("focus", () => this.look(n));
    button.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse") timer = setTimeout(() => this.look(n), DWELL);
    });
    button.addEventListener("pointerleave", () => clearTimeout(timer));
  }

  // Starts on another segment: what is chosen, what the model thinks, and which code is looked at.
  start(chosen, probabilities) {
    this.chosen = new Set(chosen.filter((code) => byCode.has(code)).map((code) => byCode.get(code).n));
    this.probabilities = codes.map((code) => (probabilities && code.code in probabilities ? probabilities[code.code] : null));
    this.buttons.forEach((button) => {
      const p = this.probabilities[Number(button.dataset.n)];
      button.querySelector(".p").textContent = p !== null && p >= 0.01 ? percent(p) : "";
      button.querySelector("i").style.width = `${100 * (p || 0)}%`;
    });
    this.active = null;
    this.buttons.forEach((button) => button.classList.remove("active"));
    const best = this.list().length ? byCode.get(this.list()[0]).n : null;
    if (best !== null) this.describe(best);
    else if (!at("manual").hasChildNodes()) at("manual").append(make("p", { class: "soft" }, t.review.manual));
    this.show();
  }

  list() {
    return codes.filter((_, n) => this.chosen.has(n)).map((code) => code.code);
  }

  set(chosen) {
    this.chosen = new Set(chosen.map((code) => byCode.get(code).n));
    this.show();
    this.changed();
  }

  toggle(n) {
    if (this.chosen.has(n)) this.chosen.delete(n);
    else {
      if (data.exclusive) this.chosen.clear();
      this.chosen.add(n);
    }
    this.look(n);
    this.show();
    this.changed();
  }

  key(key) {
    const n = this.keys.get(key);
    if (n === undefined) return false;
    this.toggle(n);
    return true;
  }

  show() {
    this.buttons.forEach((button) => button.setAttribute("aria-pressed", this.chosen.has(Number(button.dataset.n))));
  }

  look(n) {
    if (this.active !== n) {
      this.active = n;
      this.buttons.forEach((button) => button.classList.toggle("active", Number(button.dataset.n) === n));
      if (this.box.scrollHeight > this.box.clientHeight) this.buttons[n].scrollIntoView({ block: "nearest" });
      this.describe(n);
    }
    this.looked(codes[n].code);
  }

  move(step) {
    const shown = this.buttons.filter((button) => !button.hidden);
    const now = shown.findIndex((button) => Number(button.dataset.n) === this.active);
    const next = shown[now < 0 ? (step > 0 ? 0 : shown.length - 1) : (now + step + shown.length) % shown.length];
    if (next) next.focus();
  }

  filter() {
    const wanted = at("find").value.normalize("NFKC").trim().toLowerCase();
    // Its card keeps its height meanwhile, so that nothing jumps.
    this.box.style.minHeight = wanted ? this.box.style.minHeight || `${this.box.offsetHeight}px` : "";
    this.buttons.forEach((button) => { button.hidden = !codes[Number(button.dataset.n)].find.includes(wanted); });
    document.querySelectorAll(".group").forEach((group) => { group.hidden = !group.querySelector(".code:not([hidden])"); });
    at("nothing-found").hidden = this.buttons.some((button) => !button.hidden);
  }

  found(event) {
    if (event.isComposing) return;
    if (event.key === "Enter") {
      const first = at("find").value.trim() && this.buttons.find((button) => !button.hidden);
      if (first) this.toggle(Number(first.dataset.n));
    }
    if (event.key === "Enter" || event.key === "Escape") {
      event.preventDefault();
      at("find").value = "";
      this.filter();
      at("sentence").focus({ preventScroll: true });
    }
  }

  describe(n) {
    const code = codes[n];
    at("manual").replaceChildren(
      make("h2", {}, code.name),
      make("p", { class: "tag" }, code.other ? `${code.code} · ${code.other}` : code.code),
      make("p", {}, code.definition),
      ...listed(t.review.includes, code.includes.map((text) => make("li", {}, text))),
      ...listed(t.review.excludes, code.excludes.map(({ what, use }) => make("li", {}, what, use && make("small", {}, filled(t.review.use, { code: use }))))),
      ...listed(t.review.examples, code.examples.map(example)),
      ...listed(t.review.counter, code.counter.map(example)),
    );
    at("manual").scrollTop = 0;
  }
}

const example = ({ text, about }) => make("li", {}, text, about && make("small", {}, about));
const listed = (heading, items) => (items.length ? [make("h3", {}, heading), make("ul", {}, ...items)] : []);

// Chips for some codes, in kinds: [["模型判定", codes], …]; a click is a click on the code in the list.
export function chips(list, kinds, empty) {
  const shown = kinds.flatMap(([kind, of]) => (of.length ? [make("span", { class: "kind" }, kind), ...of.map((code) => chip(list, code))] : []));
  return shown.length ? shown : [make("span", { class: "soft" }, empty)];
}

function chip(list, code) {
  const { n, name, key } = byCode.get(code), p = list.probabilities[n];
  const made = make("button", { type: "button", class: "chip", "aria-pressed": String(list.chosen.has(n)) },
    key && make("kbd", { "aria-hidden": "true" }, key.toUpperCase()), make("span", {}, name), p !== null && make("span", { class: "p" }, percent(p)), p !== null && track(p));
  made.addEventListener("click", () => list.toggle(n));
  return made;
}

export { named };
