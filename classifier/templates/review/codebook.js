// Searching the manual.

import { at, filled, t } from "./page.js";

const entries = [...document.querySelectorAll(".entry")].map((entry) => [entry, entry.textContent.normalize("NFKC").toLowerCase()]);

at("find").addEventListener("input", () => {
  const wanted = at("find").value.normalize("NFKC").trim().toLowerCase();
  let n = 0;
  for (const [entry, text] of entries) {
    entry.hidden = !text.includes(wanted);
    n += entry.hidden ? 0 : 1;
  }
  document.querySelectorAll("[data-fixed]").forEach((section) => { section.hidden = wanted !== ""; });
  at("found").textContent = wanted ? filled(t.codebook.found, { n }) : "";
});
document.addEventListener("keydown", (event) => {
  if ((event.key === "/" || event.key === "、") && !event.target.matches("input")) {
    event.preventDefault();
    at("find").focus();
  }
});
