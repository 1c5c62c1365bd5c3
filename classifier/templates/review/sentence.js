// A segment in its context, with the words marked that speak for codes. Offsets count code points.

import { at, make, t } from "./page.js";

const LONG = 90; // characters from which a segment is set smaller

export function showSentence(item) {
  const about = [item.title && make("b", {}, item.title), make("span", {}, item.date || t.review.no_date)];
  if (item.source && item.source !== item.title) about.push(make("span", {}, item.source));
  if (!item.title && item.doc) about.unshift(make("b", {}, item.doc));
  at("about").replaceChildren(...about.filter(Boolean));
  at("before").textContent = item.before.join("");
  at("after").textContent = item.after.join("");
  mark(at("sentence"), item.text, []);
  at("sentence").classList.toggle("long", item.text.length > LONG);
  at("evidence").textContent = "";
}

// `spans` are lists of [start, end, shade]; where they overlap, the darker shade counts.
export function mark(place, text, spans) {
  const points = Array.from(text);
  const shades = new Array(points.length).fill(0);
  for (const [start, end, shade] of spans) {
    for (let i = start; i < Math.min(end, points.length); i += 1) shades[i] = Math.max(shades[i], shade);
  }
  const pieces = [];
  for (let from = 0, i = 1; i <= points.length; i += 1) {
    if (i === points.length || shades[i] !== shades[from]) {
      const piece = points.slice(from, i).join("");
      pieces.push(shades[from] ? make("mark", { class: `m${shades[from]}` }, piece) : piece);
      from = i;
    }
  }
  place.replaceChildren(...pieces);
}
