// Data errors: which records could not be taken as they are, and what becomes of them.

import { all, post } from "../api.js";
import { fill, h } from "../dom.js";
import { count, counted, dotted, moment, words } from "../format.js";
import { allows } from "../states.js";
import { attempt, confirm, empty, pill, problem } from "../widgets.js";

const MOST = 500;
const SETTLED = new Set(["resolved", "recovered"]);

/** Show the errors of `live.migration`. */
export async function render(root, { live, signal }) {
  const list = h("div", { class: "stack" });
  let known = null;
  fill(root, list);

  async function load() {
    const found = await all(`${live.path}/errors`, { signal, most: MOST });
    if (signal.aborted) return;
    if (found.length === 0) {
      fill(list, h("div", { class: "panel" }, empty("No errors", "Records that cannot be taken as they are turn up here, with what was tried and what is advised.")));
    } else {
      fill(list, found.map((error) => item(error, live, load)), found.length >= MOST ? h("p", { class: "soft" }, `The newest ${count(MOST)} are shown.`) : null);
    }
  }

  live.watch(() => {
    const { metrics, status } = live.migration;
    const now = `${metrics.errors_recovered} ${metrics.errors_escalated} ${status}`;
    if (known !== null && known !== now) load().catch(() => {});
    known = now;
  }, signal);
  await load().catch((error) => fill(list, problem(error, load)));
}

function item(one, live, load) {
  const { error, context, impact } = one;
  const where = dotted(error.table, error.column);
  const settled = SETTLED.has(one.status);
  const canDecide = !settled && ["running", "pausing", "paused", "validating", "completed", "failed"].includes(live.migration.status);
  const retry = (event) => attempt(event.currentTarget, () => post(`${live.path}/errors/${encodeURIComponent(one.id)}/retry`, {}), "The records are tried again.").then(load);
  return h(
    "article",
    { class: "panel error-item" },
    h(
      "div",
      { class: "item-head" },
      pill(one.status),
      h("h3", {}, words(error.type), where ? h("span", { class: "mono soft" }, ` ${where}`) : null),
      h("span", { class: "soft" }, moment(one.timestamp)),
    ),
    h("p", {}, error.message),
    h(
      "p",
      { class: "soft small" },
      [
        counted(context?.affected_records ?? 0, "record"),
        error.reason_code,
        error.record_id !== null && error.record_id !== undefined ? `first: ${error.record_id}` : null,
        error.sample ? `value: ${error.sample}` : null,
        impact?.downstream_tables?.length ? `tables that depend on it: ${impact.downstream_tables.join(", ")}` : null,
      ]
        .filter(Boolean)
        .join(" · "),
    ),
    one.recommended_actions?.length ? h("ul", { class: "advice" }, one.recommended_actions.map((text) => h("li", {}, text))) : null,
    one.resolution ? h("p", { class: "soft" }, `Decided: ${words(one.resolution.type)}${one.resolution.reason ? `, “${one.resolution.reason}”` : ""}`) : null,
    canDecide
      ? h(
          "div",
          { class: "buttons left" },
          allows("retryError", live.migration.status) ? h("button", { type: "button", onclick: retry }, "Try again") : null,
          h("button", { type: "button", onclick: (event) => skip(event.currentTarget) }, "Leave the records out…"),
        )
      : null,
  );

  async function skip(button) {
    const answer = await confirm({
      title: "Leave these records out?",
      text: `${counted(context?.affected_records ?? 0, "record")} will not be in the target. The decision is kept with the migration.`,
      action: "Leave them out",
      danger: true,
      fields: [{ name: "reason", label: "Reason (optional)", maximum: 1000 }],
    });
    if (answer === null) return;
    const resolution = answer.reason ? { type: "skip", reason: answer.reason } : { type: "skip" };
    await attempt(button, () => post(`${live.path}/errors/${encodeURIComponent(one.id)}/resolve`, { resolution }), "Decided.");
    await load().catch(() => {});
  }
}
