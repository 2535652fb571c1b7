// The plan: risks, and every mapping to look at, approve or reject.

import { get, patch, post } from "../api.js";
import { fill, h, icon, toast } from "../dom.js";
import { count, counted, dotted, duration, words } from "../format.js";
import { allows, tone } from "../states.js";
import { attempt, cell, choices, empty, figure, panel, pill, problem } from "../widgets.js";

const STATUSES = [
  ["", "All"],
  ["pending_review", "In review"],
  ["approved", "Approved"],
  ["rejected", "Rejected"],
];
const CONFIDENCES = [
  ["", "Any confidence"],
  ["low", "Below 0.80"],
  ["middle", "0.80 to 0.95"],
  ["high", "0.95 and above"],
];
const AT_ONCE = 200;
/** What one call of the API takes. */
const BULK = 1000;

/** Show the plan of `live.migration`. */
export async function render(root, { live, signal }) {
  let shownStatus = null;

  async function load() {
    shownStatus = live.migration.plan.status;
    const plan = await get(`${live.path}/plan`, { signal });
    if (signal.aborted) return;
    if (plan.status === "generating") fill(root, h("div", { class: "panel" }, empty("The plan is being made", "Both databases are read and every column is matched. This page shows the plan by itself when it is there.")));
    else if (plan.status === "failed" || plan.mappings.length === 0) fill(root, h("div", { class: "panel" }, empty("There is no plan", plan.error?.message ?? "This migration ended before a plan was made.")));
    else new Plan(root, live, plan, signal).draw();
  }

  live.watch(() => {
    // Decisions change it too, but those made here are shown already.
    if (shownStatus === "generating" && live.migration.plan.status !== shownStatus) load().catch(() => {});
  }, signal);
  await load().catch((error) => fill(root, problem(error, load)));
}

class Plan {
  #filter = { text: "", status: "", confidence: "" };
  #selected = new Set();
  #opened = new Set();
  #most = AT_ONCE;
  #active = null;

  constructor(root, live, plan, signal) {
    this.root = root;
    this.live = live;
    this.plan = plan;
    this.signal = signal;
    this.body = h("tbody", { onkeydown: (event) => this.#key(event) });
    this.bar = h("div", { class: "bulk" });
    this.result = h("p", { class: "soft", role: "status" });
    this.more = h("button", { type: "button", class: "more", onclick: () => this.#showMore() }, "Show more");
    this.everything = h("input", { type: "checkbox", "aria-label": "Select everything shown", onchange: (event) => this.#selectAll(event.target.checked) });
    let status = live.migration.status;
    live.watch(() => {
      if (status === live.migration.status) return;
      status = live.migration.status;
      this.#reload().catch(() => {});
    }, signal);
  }

  draw() {
    const { summary, risks } = this.plan;
    const pending = this.#inReview();
    if (pending > 0) this.#filter.status = "pending_review";
    fill(
      this.root,
      panel(
        null,
        h(
          "dl",
          { class: "figures" },
          figure("Tables", count(summary.tables)),
          figure("Columns", count(summary.columns)),
          figure("Relations", count(summary.relationships)),
          figure("Changed on the way", count(summary.transformations)),
          figure("Rows, estimated", count(summary.estimated_records)),
          figure("Time, estimated", duration(summary.estimated_duration_seconds)),
        ),
      ),
      risks.length > 0 ? panel("Risks", h("ul", { class: "risks" }, risks.map(risk))) : null,
      h(
        "section",
        { class: "panel flush mappings" },
        h(
          "div",
          { class: "toolbar" },
          h("h2", {}, "Mappings"),
          h("input", { type: "search", class: "search", placeholder: "Table or column", "aria-label": "Find by table or column", oninput: (event) => this.#setFilter({ text: event.target.value.trim().toLowerCase() }) }),
          choices("Status", STATUSES, this.#filter.status, (value) => this.#setFilter({ status: value })),
          h(
            "select",
            { "aria-label": "Confidence", onchange: (event) => this.#setFilter({ confidence: event.target.value }) },
            CONFIDENCES.map(([value, text]) => h("option", { value }, text)),
          ),
        ),
        this.bar,
        h(
          "div",
          { class: "table-wrap" },
          h(
            "table",
            { "aria-label": "Mappings", class: "mapping-table" },
            h(
              "thead",
              {},
              h("tr", {}, h("th", { class: "tick" }, this.everything), ["Source", "Target", "Change", "Confidence", "Status"].map((text) => h("th", { scope: "col" }, text)), h("th", {}, h("span", { class: "visually-hidden" }, "Decide"))),
            ),
            this.body,
          ),
        ),
        this.more,
        this.#canDecide() ? h("p", { class: "soft keys" }, ...keys()) : null,
      ),
    );
    this.#refill();
  }

  /** A start decides what is left, and others may have decided too. */
  async #reload() {
    this.plan = await get(`${this.live.path}/plan`, { signal: this.signal });
    if (!this.signal.aborted) this.#refill();
  }

  #canDecide() {
    return allows("decide", this.live.migration.status);
  }

  #inReview() {
    return this.plan.mappings.filter((mapping) => mapping.status === "pending_review").length;
  }

  #matching() {
    const { text, status, confidence } = this.#filter;
    return this.plan.mappings.filter((mapping) => {
      if (status !== "" && mapping.status !== status) return false;
      if (confidence === "low" && mapping.confidence >= 0.8) return false;
      if (confidence === "middle" && (mapping.confidence < 0.8 || mapping.confidence >= 0.95)) return false;
      if (confidence === "high" && mapping.confidence < 0.95) return false;
      return text === "" || `${nameOf(mapping.source)} ${nameOf(mapping.target)}`.toLowerCase().includes(text);
    });
  }

  #setFilter(change) {
    Object.assign(this.#filter, change);
    this.#most = AT_ONCE;
    this.#selected.clear();
    this.#refill();
  }

  #showMore() {
    this.#most += AT_ONCE;
    this.#refill();
  }

  #refill() {
    const found = this.#matching();
    const shown = found.slice(0, this.#most);
    const held = this.body.contains(document.activeElement);
    if (!shown.some((mapping) => mapping.id === this.#active)) this.#active = shown[0]?.id ?? null;
    fill(this.body, shown.length > 0 ? shown.map((mapping) => this.#row(mapping)) : this.#nothing());
    this.more.hidden = shown.length === found.length;
    this.#drawBar(found);
    if (held) this.#rowOf(this.#active)?.focus();
  }

  #nothing() {
    const all = this.#filter.status === "pending_review" && this.#filter.text === "" && this.#filter.confidence === "";
    return h("tr", {}, h("td", { colspan: 7 }, all ? empty("Nothing is in review", this.#canDecide() ? "Every mapping is decided. The migration can be started." : "Every mapping is decided.") : empty("None here", "No mapping fits the filter.")));
  }

  #drawBar(found) {
    const pending = this.#inReview();
    const chosen = [...this.#selected];
    const open = found.filter((mapping) => mapping.status === "pending_review").map((mapping) => mapping.id);
    const button = (text, ids, status, kind) =>
      h("button", { type: "button", class: kind, onclick: (event) => this.#decideMany(event.currentTarget, ids, status) }, text);
    this.everything.checked = chosen.length > 0 && chosen.length === Math.min(found.length, this.#most);
    this.everything.disabled = !this.#canDecide();
    fill(this.result, pending > 0 ? `${counted(pending, "mapping")} in review` : `${counted(this.plan.mappings.length, "mapping")}, none in review`);
    fill(
      this.bar,
      this.result,
      this.#canDecide() && chosen.length > 0
        ? h("div", { class: "buttons" }, button(`Approve ${count(chosen.length)}`, chosen, "approved", "primary"), button(`Reject ${count(chosen.length)}`, chosen, "rejected", ""))
        : this.#canDecide() && open.length > 1
          ? h("div", { class: "buttons" }, button(`Approve all ${count(open.length)} in review`, open, "approved", "primary"))
          : null,
    );
  }

  #row(mapping) {
    const decide = this.#canDecide();
    const name = nameOf(mapping.source);
    const choose = (status) => (event) => this.#decide(mapping, status, event.currentTarget);
    const tick = h("input", { type: "checkbox", checked: this.#selected.has(mapping.id), disabled: !decide, tabindex: -1, "aria-label": `Select ${name}`, onchange: () => this.#toggle(mapping.id) });
    const opened = this.#opened.has(mapping.id);
    const row = h(
      "tr",
      { class: "mapping", tabindex: mapping.id === this.#active ? 0 : -1, data: { id: mapping.id }, "aria-label": `${name}, confidence ${mapping.confidence}, ${words(mapping.status)}`, onfocus: () => this.#activate(mapping.id) },
      h("td", { class: "tick" }, tick),
      cell("Source", column(mapping.source), "main-cell"),
      cell("Target", column(mapping.target)),
      cell("Change", [words(mapping.transformation_type), flags(mapping)]),
      cell("Confidence", confidence(mapping)),
      cell("Status", pill(mapping.status)),
      h(
        "td",
        { class: "decide" },
        h(
          "div",
          { class: "buttons" },
          decide && mapping.status !== "approved" ? h("button", { type: "button", class: "small", tabindex: -1, "aria-label": `Approve ${name}`, onclick: choose("approved") }, "Approve") : null,
          decide && mapping.status !== "rejected" ? h("button", { type: "button", class: "small", tabindex: -1, "aria-label": `Reject ${name}`, onclick: choose("rejected") }, "Reject") : null,
          h("button", { type: "button", class: "small quiet", tabindex: -1, "aria-expanded": String(opened), "aria-label": `Why ${name}`, onclick: () => this.#open(mapping.id) }, "Why"),
        ),
      ),
    );
    return opened ? [row, h("tr", { class: "mapping-details" }, h("td", { colspan: 7 }, details(mapping)))] : row;
  }

  #rowOf(id) {
    return [...this.body.children].find((row) => row.dataset.id === id) ?? null;
  }

  #neighbors(row) {
    const rows = [...this.body.querySelectorAll("tr.mapping")];
    const place = rows.indexOf(row);
    return [rows[place - 1], rows[place + 1]];
  }

  #activate(id) {
    if (this.#active === id) return;
    const before = this.#rowOf(this.#active);
    if (before) before.tabIndex = -1;
    this.#active = id;
    const now = this.#rowOf(id);
    if (now) now.tabIndex = 0;
  }

  #key(event) {
    const row = event.target.closest("tr.mapping");
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target !== row && ["INPUT", "BUTTON"].includes(event.target.tagName) && [" ", "Enter"].includes(event.key)) return;
    const mapping = this.plan.mappings.find((one) => one.id === row.dataset.id);
    const [before, after] = this.#neighbors(row);
    const moves = { ArrowDown: after, j: after, ArrowUp: before, k: before };
    const decide = this.#canDecide();
    if (event.key in moves) moves[event.key]?.focus();
    else if (event.key === "a" && decide) this.#decide(mapping, "approved", null);
    else if (event.key === "r" && decide) this.#decide(mapping, "rejected", null);
    else if (event.key === " " && decide) this.#toggle(mapping.id);
    else if (event.key === "Enter") this.#open(mapping.id);
    else return;
    event.preventDefault();
  }

  #toggle(id) {
    if (!this.#selected.delete(id)) this.#selected.add(id);
    this.#refill();
  }

  #selectAll(wanted) {
    this.#selected = new Set(wanted ? this.#matching().slice(0, this.#most).map((mapping) => mapping.id) : []);
    this.#refill();
  }

  #open(id) {
    if (!this.#opened.delete(id)) this.#opened.add(id);
    this.#refill();
  }

  async #decide(mapping, status, button) {
    const row = this.#rowOf(mapping.id);
    const [before, after] = this.#neighbors(row);
    const next = (after ?? before)?.dataset.id;
    const path = `${this.live.path}/plan/mappings/${encodeURIComponent(mapping.id)}/approve`;
    const work = async () => this.#replace(await post(path, { approved: status === "approved" }));
    if (!(await attempt(button ?? {}, work))) return;
    // The next one is at hand, as when working through a pile.
    if (next) this.#active = next;
    this.#refill();
    await this.live.refresh().catch(() => {});
  }

  async #decideMany(button, ids, status) {
    const failed = [];
    const went = await attempt(button, async () => {
      for (let start = 0; start < ids.length; start += BULK) {
        const updates = ids.slice(start, start + BULK).map((id) => ({ id, status }));
        const answer = await patch(`${this.live.path}/mappings/bulk`, { updates });
        for (const result of answer.results) {
          if (result.success && result.mapping) this.#replace(result.mapping);
          else if (!result.success) failed.push(result.error);
        }
      }
    });
    if (went && failed.length > 0) toast(`${counted(failed.length, "mapping")} could not be changed: ${failed[0].message}`, "bad");
    else if (went) toast(`${counted(ids.length, "mapping")} ${status}.`);
    this.#selected.clear();
    await this.live.refresh().catch(() => {});
    this.#refill();
  }

  #replace(mapping) {
    const position = this.plan.mappings.findIndex((one) => one.id === mapping.id);
    if (position >= 0) this.plan.mappings[position] = mapping;
  }
}

function keys() {
  const key = (text) => h("kbd", {}, text);
  return ["In the list: ", key("↑"), " ", key("↓"), " move, ", key("A"), " approve, ", key("R"), " reject, ", key("Space"), " select, ", key("Enter"), " why."];
}

function nameOf(end) {
  return dotted(end.schema, end.table, end.column);
}

function column(end) {
  return h("span", { class: "column-name" }, h("span", { class: "mono" }, h("span", { class: "soft" }, dotted(end.schema, end.table), "."), end.column), end.type ? h("span", { class: "soft small mono" }, end.type) : null);
}

function confidence(mapping) {
  const kind = mapping.confidence < 0.8 ? "bad" : mapping.confidence < 0.95 ? "warn" : "good";
  return h("span", { class: `confidence ${kind}` }, h("i", { vars: { "--share": String(mapping.confidence) } }), mapping.confidence.toFixed(2));
}

function flags(mapping) {
  const found = [
    mapping.requires_approval && mapping.status === "pending_review" ? ["Needs a decision", "warn"] : null,
    mapping.has_data_loss_risk ? ["May lose data", "bad"] : null,
    mapping.type_compatible === false ? ["Types differ", "warn"] : null,
    mapping.is_pii ? ["Personal data", "info"] : null,
  ].filter(Boolean);
  return found.length > 0 ? h("span", { class: "flags" }, found.map(([text, kind]) => h("span", { class: `pill ${kind}` }, text))) : null;
}

function details(mapping) {
  const by = mapping.decided_by ? `Decided by ${mapping.decided_by === "auto" ? "the confidence" : mapping.decided_by}.` : "Nobody has decided yet.";
  return h(
    "div",
    { class: "details" },
    h("p", {}, mapping.reasoning ?? "The planner gave no reason."),
    mapping.transformation ? h("pre", {}, h("code", {}, mapping.transformation)) : null,
    h("p", { class: "soft small" }, by, mapping.comment ? ` “${mapping.comment}”` : ""),
  );
}

function risk({ severity, type, description, affected, mitigation }) {
  return h(
    "li",
    { class: tone(severity) },
    icon("warn"),
    h(
      "div",
      {},
      h("p", {}, h("span", { class: `pill ${tone(severity)}` }, words(severity)), " ", h("b", {}, words(type)), " ", description),
      affected?.length ? h("p", { class: "soft small mono" }, affected.join(", ")) : null,
      mitigation ? h("p", { class: "soft" }, mitigation) : null,
    ),
  );
}
