// The page's data, its elements, and its requests. Text reaches the page as text, never as markup.

export const data = JSON.parse(document.getElementById("data").textContent);
export const t = data.texts;
export const at = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child || child === 0));
  return made;
}

export const filled = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));

export const percent = (share) => (share === null || share === undefined ? "–" : `${Math.round(100 * share)}%`);

export const named = (codes) => codes.map((code) => (byCode.has(code) ? byCode.get(code).name : code)).join(t.comma);

export const byCode = new Map((data.codes || []).map((code, n) => [code.code, { ...code, n }]));

// On a narrow screen the names of the pages scroll sideways: the one that is open is in view.
const tabs = document.querySelector(".top ul"), open = tabs.querySelector("[aria-current]");
if (open) tabs.scrollLeft = open.offsetLeft + open.offsetWidth - tabs.clientWidth;

// A bar as long as a share; a policy forbids styles in markup, not this.
export function track(share) {
  const fill = make("i");
  fill.style.width = `${100 * (share || 0)}%`;
  return make("span", { class: "track", "aria-hidden": "true" }, fill);
}

export const newId = () => crypto.randomUUID().replaceAll("-", "");

export class Failed extends Error {
  constructor(status, reason, message) {
    super(message || String(status));
    this.status = status;
    this.reason = reason;
  }
}

const NEW_CODEBOOK = "#new-codebook";

// Loads the page anew where a decision was refused because the codebook is another by now; says whether it was.
export async function renewed(problem, address) {
  if (problem.status !== 409) return false;
  const found = await ask("/bar").catch(() => null);
  if (found === null || found.codebook === data.codebook) return false;
  history.replaceState(null, "", address + NEW_CODEBOOK);
  location.reload();
  return true;
}

// What is to be said first on a page that was loaded anew.
export function greeting() {
  if (location.hash !== NEW_CODEBOOK) return "";
  history.replaceState(null, "", location.pathname);
  return t.status.new_codebook;
}

async function answer(path, body) {
  const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(path, body === undefined ? {} : post);
  if (response.ok) return response;
  const found = await response.json().catch(() => ({}));
  throw new Failed(response.status, found.reason, found.message);
}

export const ask = async (path, body) => (await answer(path, body)).json();
export const askFile = async (path, body) => (await answer(path, body)).blob();
