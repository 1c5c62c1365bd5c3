// Decisions on their way to the store. Each is kept, in the browser too, until the server has said that it
// is recorded; it is sent again under the same name, and the store records a name once.

import { ask, at, data, Failed, filled, newId, t } from "./page.js";

const PREFIX = `fupin:${data.store}:`;
const FIRST = 500, LONGEST = 8000; // milliseconds between attempts
// What these answer may be otherwise next time: no cookie, a link not yet opened again, too slow, busy.
const AGAIN = new Set([401, 403, 408, 421, 429]);

class Outbox {
  constructor() {
    this.waiting = kept();
    this.busy = false;
    this.pause = FIRST;
    this.handlers = { saved: () => {}, refused: () => {} };
  }

  on(name, handler) {
    this.handlers[name] = handler;
  }

  add(path, body) {
    const order = String(Date.now()).padStart(15, "0") + String(this.waiting.length).padStart(6, "0");
    const entry = { key: `${PREFIX}${order}:${newId()}`, path, body };
    this.waiting.push(entry);
    keep(entry);
    this.send();
  }

  get empty() {
    return this.waiting.length === 0;
  }

  async idle() {
    while (!this.empty) await new Promise((done) => { setTimeout(done, 100); });
  }

  // Sends what waits, one after the other: a later decision may rest on an earlier one.
  async send() {
    if (this.busy) return;
    this.busy = true;
    clearTimeout(this.timer);
    while (this.waiting.length) {
      const entry = this.waiting[0];
      if (this.pause === FIRST) this.show("saving");
      let found = null, problem = null;
      try {
        found = await ask(entry.path, entry.body);
      } catch (error) {
        problem = error;
      }
      if (problem && !final(problem)) {
        this.later(problem);
        return;
      }
      this.waiting.shift();
      forget(entry);
      this.pause = FIRST;
      if (problem) this.handlers.refused(entry, problem);
      else this.handlers.saved(entry, found);
    }
    this.busy = false;
    this.show("saved");
  }

  later(problem) {
    this.busy = false;
    this.show(problem instanceof Failed && [401, 403].includes(problem.status) ? "closed" : "waiting");
    this.timer = setTimeout(() => this.send(), this.pause);
    this.pause = Math.min(2 * this.pause, LONGEST);
  }

  show(state) {
    const place = at("saving");
    if (!place || place.dataset.state === state && state === "saved") return;
    place.dataset.state = state;
    place.textContent = filled(t.status[state], { n: this.waiting.length });
  }
}

const final = (problem) => problem instanceof Failed && problem.status >= 400 && problem.status < 500 && !AGAIN.has(problem.status);

// Without storage (a private window may have none) decisions live as long as the page does.
function keep(entry) {
  try { localStorage.setItem(entry.key, JSON.stringify({ path: entry.path, body: entry.body })); } catch { /* see above */ }
}
function forget(entry) {
  try { localStorage.removeItem(entry.key); } catch { /* see above */ }
}
function kept() {
  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)).sort();
    return keys.map((key) => ({ key, ...JSON.parse(localStorage.getItem(key)) }));
  } catch {
    return [];
  }
}

export const outbox = new Outbox();

window.addEventListener("beforeunload", (event) => {
  if (!outbox.empty) {
    event.preventDefault();
    event.returnValue = t.status.leave;
  }
});
window.addEventListener("online", () => outbox.send());
document.addEventListener("visibilitychange", () => { if (!document.hidden) outbox.send(); });
