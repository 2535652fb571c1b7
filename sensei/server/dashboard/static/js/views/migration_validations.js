// The validations of one migration: the newest in full, the others to choose from.

import { all, post } from "../api.js";
import { fill, h } from "../dom.js";
import { moment, words } from "../format.js";
import { allows } from "../states.js";
import { attempt, empty, problem } from "../widgets.js";
import { showValidation } from "./validation_parts.js";

/** Show the validations of `live.migration`. */
export async function render(root, { live, signal }) {
  const head = h("div", { class: "toolbar" });
  const content = h("div", { class: "stack" });
  let chosen = null;
  let shown = new AbortController();
  let status = live.migration.status;
  let known = live.migration.validation_id;
  signal.addEventListener("abort", () => shown.abort(), { once: true });
  fill(root, head, content);

  async function load(wanted) {
    const found = await all("/validations", { query: { migration_id: live.migration.id }, signal, most: 100 });
    if (signal.aborted) return;
    chosen = found.find((one) => one.id === wanted) ?? found[0] ?? null;
    fill(head, picker(found), runButton());
    await open();
  }

  async function open() {
    shown.abort();
    shown = new AbortController();
    if (chosen === null) fill(content, h("div", { class: "panel" }, none()));
    else await showValidation(content, chosen.id, shown.signal);
  }

  function picker(found) {
    if (found.length < 2) return h("span");
    const select = h("select", { id: "which-validation", onchange: () => ((chosen = found.find((one) => one.id === select.value)), open().catch(fail)) }, found.map((one) => h("option", { value: one.id }, `${moment(one.created_at)}: ${words(one.type)}, ${words(one.overall_result ?? one.status)}`)));
    select.value = chosen.id;
    return h("label", { class: "field inline" }, "Validation", select);
  }

  function runButton() {
    if (!allows("validate", live.migration.status)) return null;
    return h("button", { type: "button", onclick: (event) => run(event.currentTarget) }, "Run a full validation");
  }

  async function run(button) {
    let made = null;
    const went = await attempt(button, async () => {
      made = await post("/validations", { migration_id: live.migration.id, type: "full" });
    });
    if (went) await load(made.id).catch(fail);
  }

  function fail(error) {
    if (!signal.aborted) fill(content, problem(error, () => load(null).catch(fail)));
  }

  live.watch(() => {
    const { migration } = live;
    if (status === migration.status && known === migration.validation_id) return;
    status = migration.status;
    known = migration.validation_id;
    load(chosen?.id).catch(fail);
  }, signal);
  await load(null).catch(fail);
}

function none() {
  return empty("Not validated yet", "Both sides are compared after the data has been copied: structure, every value, references, meaning, and the answers to queries. When all five have run and passed, a certificate is issued.");
}
