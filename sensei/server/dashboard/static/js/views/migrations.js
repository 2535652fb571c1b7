// The list of migrations; those that move are followed live.

import { get, pause, serverTime } from "../api.js";
import { bdi, fill, h, refill } from "../dom.js";
import { ago, count, dotted, percent, words } from "../format.js";
import { isWorking, shareDone, statusText } from "../states.js";
import { follow } from "../stream.js";
import { cell, choices, code, empty, loading, meter, pill, problem, setMeter, table } from "../widgets.js";

const PAGE = 50;
/** Browsers give a server six connections; the rest is found by asking again. */
const FOLLOWED = 3;
const ASK_AGAIN = 4000;

const FILTERS = [
  ["", "All"],
  ["plan_ready", "Needs review"],
  ["running", "Running"],
  ["completed", "Completed"],
  ["failed", "Failed"],
];

const EXAMPLE = `from sensei import Client

client = Client()  # reads SENSEI_API_URL and SENSEI_API_KEY
migration = client.migrations.create(
    name="Move the shop",
    source={"type": "sqlite", "connection_string": "sqlite:////path/to/shop.db"},
    target={"type": "postgresql", "connection_string": "postgresql://ada:secret@localhost/shop"},
    options={"validation_type": "full"},
)
print(migration.id)`;

/** Show the list. */
export async function render(root, { signal }) {
  let status = "";
  let wanted = PAGE;
  const rows = new Map();
  const place = h("div", { class: "panel flush" }, loading());
  const summary = h("p", { class: "soft" });
  const buttons = h("div", { class: "buttons", hidden: true }, newButton());
  const filters = choices("Filter by status", FILTERS, status, (value) => {
    status = value;
    wanted = PAGE;
    load().catch(fail);
  });
  fill(root, h("div", { class: "page-head" }, h("div", {}, h("h1", { tabindex: -1 }, "Migrations"), summary), buttons), filters, place);

  async function load() {
    const asked = status;
    const answer = await get("/migrations", { query: { status, limit: Math.min(wanted, 100) }, signal });
    for (let offset = 100; offset < wanted && answer.pagination.has_more; offset += 100) {
      const next = await get("/migrations", { query: { status, limit: 100, offset }, signal });
      answer.data.push(...next.data);
      answer.pagination = next.pagination;
    }
    if (asked === status) show(answer.data, answer.pagination);
  }

  function show(found, pagination) {
    const moving = found.filter((one) => isWorking(one.status)).length;
    fill(summary, `${count(pagination.total)} in all${moving ? `, ${count(moving)} moving` : ""}`);
    filters.hidden = buttons.hidden = found.length === 0 && status === "";
    if (found.length === 0) {
      for (const row of rows.values()) row.stop();
      rows.clear();
      fill(place, status === "" ? nothingYet() : empty("None here", "No migration has this status. Choose another filter above."));
      return;
    }
    const kept = new Set(found.map((one) => one.id));
    for (const [id, row] of rows) {
      if (kept.has(id)) continue;
      row.stop();
      rows.delete(id);
    }
    let free = FOLLOWED;
    const shown = found.map((one) => {
      const row = rows.get(one.id) ?? makeRow(signal, () => load().catch(() => {}));
      rows.set(one.id, row);
      row.update(one);
      row.setFollowed(isWorking(one.status) && free-- > 0);
      return row.element;
    });
    const more = pagination.has_more
      ? h("button", { type: "button", class: "more", data: { focus: "more" }, onclick: () => ((wanted += PAGE), load().catch(fail)) }, "Show more")
      : null;
    const columns = ["Name", "Status", "Progress", "From → to", "Created"].map((text) => ({ text }));
    refill(place, table("Migrations", columns, shown), more);
  }

  function fail(error) {
    if (!signal.aborted) fill(place, problem(error, () => load().catch(fail)));
  }

  await load();
  keepLooking(signal, load);
}

async function keepLooking(signal, load) {
  while (!signal.aborted) {
    await pause(ASK_AGAIN, signal).catch(() => {});
    // What was shown stays; the next round may go better.
    if (!signal.aborted && !document.hidden) await load().catch(() => {});
  }
}

function makeRow(viewSignal, changed) {
  const link = h("a", { class: "strong" });
  const bar = meter(0, "Progress");
  const share = h("span", { class: "number" });
  const cells = { status: h("span"), ends: h("span"), created: h("span", { class: "soft" }), phase: h("span", { class: "soft small" }) };
  const element = h(
    "tr",
    {},
    cell("Name", link, "main-cell"),
    cell("Status", cells.status),
    cell("Progress", h("div", { class: "progress-cell" }, bar, share, cells.phase)),
    cell("From → to", cells.ends),
    cell("Created", cells.created),
  );
  let id = null;
  let connection = null;
  let shown = 0;

  function move(part, phase) {
    shown = part;
    setMeter(bar, part);
    share.textContent = percent(part);
    cells.phase.textContent = phase ? words(phase) : "";
  }

  return {
    element,
    update(one) {
      id = one.id;
      fill(link, bdi(one.name));
      link.href = `#/migrations/${encodeURIComponent(id)}`;
      link.dataset.focus = id;
      bar.className = `meter ${one.status === "failed" ? "bad" : isWorking(one.status) ? "busy" : ""}`;
      fill(cells.status, pill(one.status, statusText(one.status)));
      fill(cells.ends, bdi(nameOf(one.source)), " → ", bdi(nameOf(one.target)));
      cells.created.textContent = ago(one.created_at);
      if (connection === null) move(shareDone(one.status, one.progress_percent), isWorking(one.status) ? one.phase : null);
    },
    setFollowed(wanted) {
      if (!wanted) return this.stop();
      if (connection !== null) return undefined;
      connection = new AbortController();
      const { signal } = connection;
      viewSignal.addEventListener("abort", () => connection?.abort(), { once: true });
      const since = new Date(serverTime().getTime() - 5000).toISOString();
      follow(`/migrations/${encodeURIComponent(id)}/events`, {
        query: { since },
        signal,
        onEvent: ({ name, data }) => {
          // The first events may be older than what is shown.
          if (name === "progress" && data.percent >= shown) move(data.percent, data.phase);
          else if (name === "phase" && data.action === "started") move(shown, data.phase);
          else if (name === "status" || name === "end") changed();
        },
      }).catch(() => {});
      return undefined;
    },
    stop() {
      connection?.abort();
      connection = null;
    },
  };
}

function nameOf(end) {
  return end.connection_name ?? dotted(words(end.type), end.schema);
}

function newButton(kind = "") {
  return h("a", { class: `button ${kind}`, href: "#/migrations/new" }, "New migration");
}

function nothingYet() {
  return empty(
    "No migration yet",
    "A migration moves one database into another: it is planned, you review the plan, it copies, and both sides are compared.",
    h("p", {}, newButton("primary")),
    h("p", {}, "Or move a database of yours from a terminal:"),
    code("sensei migrate sqlite:///shop.db postgresql://ada:secret@localhost:5432/shop"),
    h("p", {}, "Or from Python. It appears here as soon as it exists:"),
    code(EXAMPLE),
  );
}
