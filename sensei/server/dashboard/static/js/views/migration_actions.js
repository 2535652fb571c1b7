// What may be done with a migration in its status.

import { get, post, send } from "../api.js";
import { h, toast } from "../dom.js";
import { counted } from "../format.js";
import { allows, isFinished } from "../states.js";
import { attempt, confirm } from "../widgets.js";

/** The buttons that the status allows. `open` shows a tab. */
export function actionButtons(live, open) {
  const { status } = live.migration;
  const make = (action, text, work, kind = "") =>
    h("button", { type: "button", class: kind, data: { focus: action, action }, onclick: (event) => work(live, event.currentTarget, open) }, text);
  return [
    status === "plan_ready" ? h("button", { type: "button", data: { focus: "review", action: "review" }, onclick: () => open("plan") }, "Review the plan") : null,
    allows("start", status) ? make("start", "Start", start, "primary") : null,
    status === "running" ? make("pause", "Pause", pauseIt) : null,
    allows("resume", status) ? make("resume", "Resume", resume, "primary") : null,
    allows("rollback", status) && live.migration.timing.started_at !== null ? make("rollback", "Roll back…", rollBack) : null,
    allows("cancel", status) && status !== "cancelling" ? make("cancel", "Cancel…", cancel) : null,
    isFinished(status) ? make("delete", "Delete…", remove) : null,
  ];
}

async function act(live, button, action, body, done) {
  const went = await attempt(button, () => post(`${live.path}/${action}`, body), done);
  await live.refresh().catch(() => {});
  return went;
}

async function start(live, button, open) {
  if (live.migration.status === "plan_ready" && !(await startAnyway(live, button, open))) return;
  await act(live, button, "start", {}, "The migration has started.");
}

async function startAnyway(live, button, open) {
  let total = 0;
  let blocking = false;
  const asked = await attempt(button, async () => {
    const page = await get(`${live.path}/mappings`, { query: { status: "pending_review", limit: 100 }, signal: live.signal });
    total = page.pagination.total;
    blocking = page.data.some((mapping) => mapping.requires_approval);
  });
  if (!asked) return false;
  if (blocking) {
    toast("Some mappings need a decision before anything is written.", "bad");
    await open("plan");
    return false;
  }
  const answer = await confirm({
    title: "Start now?",
    text: `${counted(total, "mapping is", "mappings are")} still in review. Starting takes them as they are proposed.`,
    action: "Start",
  });
  return answer !== null;
}

async function pauseIt(live, button) {
  await act(live, button, "pause", {}, "It pauses at the next checkpoint.");
}

async function resume(live, button) {
  await act(live, button, "resume", {}, "It goes on from its checkpoint.");
}

async function cancel(live, button) {
  const begun = live.migration.timing.started_at !== null;
  const prepared = live.migration.options.generate_rollback !== false;
  const answer = await confirm({
    title: "Cancel this migration?",
    text: begun ? "The work stops and cannot be taken up again." : "Nothing has been written yet. A cancelled migration cannot be started.",
    action: "Cancel the migration",
    danger: true,
    fields: [
      ...(begun && prepared ? [{ name: "rollback", label: "Remove what it has written to the target", type: "checkbox", checked: true }] : []),
      { name: "reason", label: "Reason (optional)", maximum: 1000 },
    ],
  });
  if (answer === null) return;
  const body = {};
  if (answer.reason) body.reason = answer.reason;
  if (answer.rollback !== undefined) body.rollback = answer.rollback;
  await act(live, button, "cancel", body, "The migration is cancelled.");
}

async function rollBack(live, button) {
  const backup = await backupOf(live);
  const answer = await confirm({
    title: "Roll this migration back?",
    text: "Everything it has written to the target is removed, and certificates of it are revoked. The source is not touched.",
    action: "Roll back",
    danger: true,
    fields: backup === null ? [] : [{ name: "restore", label: "Bring back the tables that the target had before", type: "checkbox", checked: true }],
  });
  if (answer === null) return;
  const body = answer.restore ? { strategy: "backup_restore", backup_id: backup } : { strategy: "truncate" };
  await act(live, button, "rollback", body, "The rollback has begun.");
}

/** The backup that the log tells of, or null. */
async function backupOf(live) {
  try {
    const page = await get(`${live.path}/logs`, { query: { phase: "schema_migration", level: "info", limit: 100 } });
    return page.data.find((entry) => entry.data?.backup_id)?.data.backup_id ?? null;
  } catch {
    return null;
  }
}

async function remove(live, button) {
  const answer = await confirm({
    title: "Delete this migration?",
    text: "Its plan, errors and checkpoints are removed from the server. The target and certificates stay.",
    action: "Delete",
    danger: true,
    fields: [{ name: "keep", label: "Keep logs and figures for audits", type: "checkbox", checked: true }],
  });
  if (answer === null) return;
  const query = { keep_logs: answer.keep, keep_metrics: answer.keep };
  const gone = await attempt(button, () => send("DELETE", live.path, { query }), "The migration is deleted.");
  if (gone) location.hash = "#/migrations";
}
