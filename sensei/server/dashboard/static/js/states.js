// What a migration's status means here. The server decides; this only spares people buttons that cannot work.

import { words } from "./format.js";

const FINISHED = new Set(["completed", "failed", "cancelled", "rolled_back"]);
const WORKING = new Set(["pending", "planning", "running", "pausing", "validating", "cancelling", "rolling_back"]);

const ACTIONS = {
  start: ["plan_ready", "approved"],
  pause: ["running", "pausing"],
  resume: ["paused"],
  cancel: ["pending", "planning", "plan_ready", "approved", "running", "pausing", "paused", "validating", "cancelling"],
  rollback: ["paused", "completed", "failed", "cancelled"],
  decide: ["plan_ready", "approved"],
  retryError: ["running", "pausing", "paused", "validating"],
  validate: ["completed"],
};

const TONES = {
  pending: "idle",
  planning: "busy",
  plan_ready: "warn",
  approved: "info",
  running: "busy",
  pausing: "busy",
  paused: "warn",
  validating: "busy",
  completed: "good",
  failed: "bad",
  cancelling: "busy",
  cancelled: "idle",
  rolling_back: "busy",
  rolled_back: "idle",
  // Validations, mappings, phases, connections, deliveries, data errors.
  passed: "good",
  passed_with_warnings: "warn",
  partial: "warn",
  skipped: "idle",
  pending_review: "warn",
  rejected: "idle",
  testing: "busy",
  connected: "good",
  delivered: "good",
  open: "warn",
  retrying: "busy",
  recovered: "good",
  escalated: "bad",
  resolved: "good",
  // Severities.
  critical: "bad",
  error: "bad",
  high: "bad",
  warning: "warn",
  medium: "warn",
  low: "idle",
  info: "idle",
  debug: "idle",
};

/** A migration's status in words that say what it waits for. */
export function statusText(status) {
  return { plan_ready: "Needs review", approved: "Ready to start" }[status] ?? words(status);
}

/** Whether an action may do something in a status. */
export function allows(action, status) {
  return ACTIONS[action].includes(status);
}

/** Whether a migration has come to its end. */
export function isFinished(status) {
  return FINISHED.has(status);
}

/** Whether something moves without anybody doing anything. */
export function isWorking(status) {
  return WORKING.has(status);
}

/** good, warn, bad, busy, info or idle; of values that are not known, idle. */
export function tone(status) {
  return TONES[status] ?? "idle";
}

/** How much of a migration is there, 0 to 100. What was rolled back is not, though its plan is still done. */
export function shareDone(status, percent) {
  return status === "rolled_back" ? 0 : percent;
}
