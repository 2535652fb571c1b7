// The overview: phases, figures, tables, facts.

import { get } from "../api.js";
import { sparkline } from "../charts.js";
import { fill, h, icon } from "../dom.js";
import { NOTHING, brief, clock, count, dotted, duration, moment, percent, words } from "../format.js";
import { isFinished, tone } from "../states.js";
import { cell, figure, meter, panel, pill, setMeter, table } from "../widgets.js";

const ASK_AGAIN = 1000;

/** Show the overview of `live.migration`. */
export async function render(root, { live, signal }) {
  const phases = h("ol", { class: "timeline" });
  const figures = h("dl", { class: "figures" });
  const speed = h("div", { class: "speed" });
  const tables = h("div");
  const facts = h("dl", { class: "facts" });
  let drawn = -1;
  let asked = 0;
  let waiting = false;

  fill(
    root,
    panel("Phases", phases),
    h("div", { class: "columns" }, panel("Figures", figures), panel("Speed", speed)),
    panel("Tables", tables),
    panel("About", facts),
  );

  function update() {
    const { migration, speeds } = live;
    const over = isFinished(migration.status);
    const unreached = migration.status === "rolled_back" ? "Rolled back" : over ? "Not reached" : "Waiting";
    fill(phases, migration.progress.phases.map((phase) => phaseItem(phase, unreached)));
    fill(figures, figuresOf(migration));
    fill(facts, factsOf(migration));
    if (drawn !== speeds.length) {
      drawn = speeds.length;
      fill(speed, speedPicture(speeds, migration));
    }
    askForTables();
  }

  async function askForTables() {
    if (waiting || signal.aborted) return;
    waiting = true;
    try {
      // One look after the end as well, for the final figures.
      const wait = asked + ASK_AGAIN - Date.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      if (signal.aborted) return;
      asked = Date.now();
      const metrics = await get(`${live.path}/metrics`, { signal });
      showTables(tables, metrics.by_table, live.migration);
    } catch {
      // The figures above come from elsewhere; the next event asks again.
    } finally {
      waiting = false;
    }
  }

  live.watch(update, signal);
  update();
}

function phaseItem(phase, unreached) {
  const running = phase.status === "running";
  const mark = phase.status === "completed" ? icon("check") : phase.status === "failed" ? icon("cross") : null;
  return h(
    "li",
    { class: `phase ${phase.status}`, "aria-current": running ? "step" : null },
    h("span", { class: "dot" }, mark),
    h("div", { class: "phase-name" }, words(phase.name)),
    h(
      "div",
      { class: "soft small" },
      running ? percent(phase.progress_percent) : phase.status === "pending" ? unreached : words(phase.status),
      phase.duration_seconds !== undefined ? ` · ${duration(phase.duration_seconds)}` : "",
    ),
  );
}

function figuresOf({ status, metrics, timing }) {
  const total = metrics.records_total;
  return [
    figure("Rows", count(metrics.records_processed), total === null ? null : `of ${count(total)}`),
    figure("Data", metrics.bytes_transferred),
    figure("Time", timing.started_at === null ? NOTHING : duration(timing.elapsed_seconds), isFinished(status) || !timing.estimated_completion ? null : `done about ${clock(timing.estimated_completion)}`),
    figure("Errors", count(metrics.errors_recovered + metrics.errors_escalated), metrics.errors_escalated ? `${count(metrics.errors_escalated)} need you` : null),
  ];
}

function speedPicture(speeds, { metrics, status }) {
  if (speeds.length === 0) return h("p", { class: "soft" }, isFinished(status) ? "No data was moved." : "Rows per second are drawn here while data moves.");
  const peak = Math.max(...speeds.map(([, value]) => value));
  const now = metrics.throughput_records_per_second;
  return [
    h("dl", { class: "figures" }, figure("Rows per second", brief(now > 0 ? now : speeds.at(-1)[1]), now > 0 ? "now" : "at last"), figure("Peak", brief(peak))),
    speeds.length > 1 ? sparkline(speeds, `Rows per second over time, at most ${brief(peak)}`) : null,
  ];
}

function showTables(place, rows, { status }) {
  if (rows.length === 0) {
    fill(place, h("p", { class: "soft" }, isFinished(status) ? "It ended before there was a plan." : "The tables are listed once the plan is made."));
    return;
  }
  const columns = [{ text: "Table" }, { text: "Status" }, { text: "Progress" }, { text: "Rows", class: "right" }, { text: "Errors", class: "right" }];
  const lines = rows.map((row) => {
    const name = dotted(row.schema, row.table);
    const bar = meter(0, `Progress of ${name}`, tone(row.status) === "bad" ? "bad" : "");
    setMeter(bar, row.status === "completed" ? 100 : row.records_total ? (100 * row.records_processed) / row.records_total : 0);
    const amount = row.records_total === null ? count(row.records_processed) : `${count(row.records_processed)} / ${count(row.records_total)}`;
    return h(
      "tr",
      {},
      cell("Table", h("span", { class: "mono" }, name), "main-cell"),
      cell("Status", pill(row.status)),
      cell("Progress", bar),
      cell("Rows", amount, "right number"),
      cell("Errors", row.errors ? h("span", { class: "bad-text" }, count(row.errors)) : "0", "right number"),
    );
  });
  fill(place, table("Tables", columns, lines));
}

function factsOf(migration) {
  const { options, timing } = migration;
  const fact = (label, value) => (value === null || value === undefined || value === "" ? null : h("div", {}, h("dt", {}, label), h("dd", {}, value)));
  return [
    fact("Id", h("code", {}, migration.id)),
    fact("Description", migration.description),
    fact("Strategy", words(migration.strategy)),
    fact("Validation", words(options.validation_type ?? "standard")),
    fact("Taken without review", options.auto_approve_above === null ? "Nothing" : `Confidence ${options.auto_approve_above} and above`),
    fact("Made", moment(migration.created_at)),
    fact("Started", timing.started_at ? moment(timing.started_at) : "Not yet"),
    fact("Finished", timing.completed_at ? moment(timing.completed_at) : null),
    fact("Starts by itself", migration.schedule?.start_at ? `${moment(migration.schedule.start_at)} (${words(migration.schedule.status)})` : null),
    fact("Rollback", migration.rollback_status === "none" ? null : words(migration.rollback_status)),
  ].filter((one) => one !== null && one !== NOTHING);
}
