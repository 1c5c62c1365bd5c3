// What every page has: language, coder, and decisions of an earlier page that still wait to be saved.

import { ask, at, data, t } from "./page.js";
import { outbox } from "./saving.js";

async function change(settings) {
  await ask("/settings", settings);
  location.reload();
}

at("language").addEventListener("click", () => change({ lang: data.lang === "zh" ? "en" : "zh" }));
at("change")?.addEventListener("click", async () => {
  await ask("/settings", { coder: "" });
  location.assign("/");
});
at("coder-form")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await change({ coder: at("coder").value.trim() });
  } catch (problem) {
    at("notice").textContent = problem.status ? problem.message : t.status.offline;
  }
});
if (!outbox.empty) outbox.send();
