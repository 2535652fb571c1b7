// One migration: what it is, what may be done with it, and its tabs. Everything is kept current by one event stream.

import { get } from "../api.js";
import { announce, bdi, fill, h, icon, refill, shown } from "../dom.js";
import { dotted, percent, words } from "../format.js";
import { isFinished, isWorking, shareDone, statusText } from "../states.js";
import { follow } from "../stream.js";
import { loading, meter, pill, problem, setMeter, tabs } from "../widgets.js";
import { actionButtons } from "./migration_actions.js";

const TABS = [
  { id: "overview", text: "Overview", load: () => import("./migration_overview.js") },
  { id: "plan", text: "Plan", load: () => import("./migration_plan.js") },
  { id: "logs", text: "Logs", load: () => import("./migration_logs.js") },
  { id: "errors", text: "Errors", load: () => import("./migration_errors.js") },
  { id: "validation", text: "Validation", load: () => import("./migration_validations.js") },
];
const SOON = 150;
const LATER = 1500;
/** Points of the picture of the speed; of longer histories every other one is dropped. */
const MOST_POINTS = 600;

/** Show a migration; `rest[0]` names the tab. */
export async function render(root, { id, rest, signal }) {
  fill(root, loading());
  const path = `/migrations/${encodeURIComponent(id)}`;
  const live = new Live(path, await get(path, { signal }), signal);
  const view = new View(root, live, signal);
  await view.open(TABS.some((tab) => tab.id === rest[0]) ? rest[0] : "overview");
  live.begin();
}

/** The migration as it is now, and who wants to know when it changes. */
class Live {
  #listeners = new Set();
  #frame = null;
  #timer = null;
  #due = Infinity;
  #asked = 0;

  constructor(path, migration, signal) {
    this.path = path;
    this.migration = migration;
    this.signal = signal;
    this.connection = "waiting";
    this.speeds = [];
    this.said = "";
    signal.addEventListener("abort", () => clearTimeout(this.#timer), { once: true });
  }

  /** Be told of changes until `signal` is raised. */
  watch(listener, signal) {
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener), { once: true });
  }

  async begin() {
    try {
      await follow(`${this.path}/events`, {
        signal: this.signal,
        onEvent: (event) => this.#take(event),
        onState: (state) => {
          this.connection = state;
          this.#changed();
        },
      });
    } catch (error) {
      this.connection = error.message;
      this.#changed();
    }
  }

  /** Ask the server anew; events only hint at what has changed. */
  async refresh() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#due = Infinity;
    const asked = (this.#asked += 1);
    const migration = await get(this.path, { signal: this.signal });
    // A later question may have been answered first.
    if (asked !== this.#asked) return;
    const before = this.migration.status;
    this.migration = migration;
    const wasOver = isFinished(before) && !isFinished(this.migration.status);
    if (wasOver && this.connection === "ended") this.begin();
    this.#changed();
  }

  #take({ name, data }) {
    const { migration } = this;
    if (name === "progress") {
      if (data.phase === "data_transfer" && data.throughput_records_per_second > 0) this.#addSpeed(data);
      // Of a history that is replayed, only what goes beyond what is known is news.
      if (!isFinished(migration.status) && data.percent >= migration.progress.overall_percent) {
        migration.progress.overall_percent = data.percent;
        migration.metrics.records_processed = Math.max(migration.metrics.records_processed, data.records_processed ?? 0);
        migration.metrics.throughput_records_per_second = data.throughput_records_per_second ?? 0;
        const phase = migration.progress.phases.find((one) => one.name === data.phase);
        if (phase?.status === "running") phase.progress_percent = data.phase_percent;
        this.said = data.message || this.said;
      }
      if (!isFinished(migration.status)) this.#refreshIn(LATER);
    } else if (name === "status" || name === "phase" || name === "error") {
      this.#refreshIn(SOON);
    } else if (name === "end") {
      this.#refreshIn(0);
    }
    this.#changed();
  }

  #addSpeed(data) {
    this.speeds.push([Date.parse(data.timestamp), data.throughput_records_per_second]);
    if (this.speeds.length > MOST_POINTS) this.speeds = this.speeds.filter((_, position) => position % 2 === 0);
  }

  #refreshIn(milliseconds) {
    const due = Date.now() + milliseconds;
    if (this.signal.aborted || due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.refresh().catch(() => {}), milliseconds);
  }

  #changed() {
    if (this.#frame !== null) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = null;
      if (!this.signal.aborted) for (const listener of this.#listeners) listener(this);
    });
  }
}

class View {
  constructor(root, live, signal) {
    this.live = live;
    this.signal = signal;
    this.tab = new AbortController();
    this.title = h("h1", { tabindex: -1 });
    this.status = h("span");
    this.ends = h("p", { class: "soft ends" });
    this.actions = h("div", { class: "buttons" });
    this.bar = meter(0, "Progress of the whole migration", "large");
    this.share = h("span", { class: "number strong" });
    this.now = h("span", { class: "soft now" });
    this.link = h("span", { class: "connection" });
    this.error = h("div");
    this.tabList = h("div");
    this.panel = h("div", { class: "tab-panel", role: "tabpanel", tabindex: -1 });
    this.shownStatus = null;
    this.saidShare = -1;
    fill(
      root,
      h("a", { class: "back", href: "#/migrations" }, icon("back"), "Migrations"),
      h("div", { class: "page-head" }, h("div", {}, h("div", { class: "title-line" }, this.title, this.status), this.ends), this.actions),
      h("div", { class: "overall" }, this.bar, h("div", { class: "overall-line" }, this.share, this.now, this.link)),
      this.error,
      this.tabList,
      this.panel,
    );
    live.watch(() => this.update(), signal);
    signal.addEventListener("abort", () => this.tab.abort(), { once: true });
    this.update();
  }

  update() {
    const { migration, connection, said } = this.live;
    const part = shareDone(migration.status, migration.progress.overall_percent);
    document.title = `${shown(migration.name)} · Sensei`;
    fill(this.title, bdi(migration.name));
    fill(this.ends, bdi(nameOf(migration.source)), " → ", bdi(nameOf(migration.target)));
    this.bar.className = `meter large ${migration.status === "failed" ? "bad" : isWorking(migration.status) ? "busy" : migration.status === "completed" ? "good" : ""}`;
    setMeter(this.bar, part);
    this.share.textContent = percent(part);
    fill(this.now, isWorking(migration.status) ? [words(migration.phase ?? ""), said].filter((text) => text && text !== "–").join(": ") : null);
    this.#showConnection(connection);
    if (this.shownStatus !== migration.status) {
      if (this.shownStatus !== null) announce(`${migration.name}: ${statusText(migration.status)}`);
      this.shownStatus = migration.status;
      fill(this.status, pill(migration.status, statusText(migration.status)));
      refill(this.actions, actionButtons(this.live, (tab) => this.open(tab)));
    } else if (isWorking(migration.status) && Math.floor(part / 20) !== this.saidShare) {
      this.saidShare = Math.floor(part / 20);
      announce(`${percent(part)} done`);
    }
    this.#markErrors();
    fill(this.error, migration.error ? errorNotice(migration.error) : null);
  }

  #markErrors() {
    const { errors_recovered: recovered, errors_escalated: escalated } = this.live.migration.metrics;
    const place = this.tabList.querySelector("#tab-errors .mark");
    if (place === null) return;
    place.hidden = recovered + escalated === 0;
  }

  #showConnection(state) {
    const texts = { live: "Live", waiting: "Connecting…", ended: "" };
    this.link.className = `connection ${state === "live" ? "live" : ""}`;
    fill(this.link, texts[state] ?? `Not live: ${state}`);
  }

  /** Show a tab; its address is kept, so that it can be linked to. */
  async open(id) {
    this.tab.abort();
    this.tab = new AbortController();
    const { signal } = this.tab;
    const { migration } = this.live;
    history.replaceState(null, "", `#/migrations/${encodeURIComponent(migration.id)}/${id}`);
    const held = this.tabList.contains(document.activeElement);
    fill(this.tabList, tabs("Parts of the migration", TABS, id, (chosen) => this.open(chosen)));
    const tab = this.tabList.querySelector("[aria-selected=true]");
    tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (held) tab.focus();
    this.#markErrors();
    this.panel.setAttribute("aria-labelledby", `tab-${id}`);
    const content = h("div", { class: "stack" }, loading());
    fill(this.panel, content);
    try {
      const { render: show } = await TABS.find((tab) => tab.id === id).load();
      if (!signal.aborted) await show(content, { live: this.live, signal });
    } catch (error) {
      if (!signal.aborted) fill(content, problem(error, () => this.open(id)));
    }
  }
}

function nameOf(end) {
  const kind = dotted(words(end.type), end.schema);
  return end.connection_name ? `${end.connection_name} (${kind})` : kind;
}

function errorNotice(error) {
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    icon("warn"),
    h("div", {}, h("p", { class: "strong" }, error.message), h("p", { class: "soft" }, h("code", {}, error.code), error.reason_code ? [" ", h("code", {}, error.reason_code)] : null)),
  );
}
