// Stored connections and what their last test said.

import { all, post } from "../api.js";
import { fill, h, refill } from "../dom.js";
import { ago, count, counted, dotted, words } from "../format.js";
import { attempt, cell, code, empty, loading, pill, table } from "../widgets.js";

const EXAMPLE = `connection = client.connections.create(
    name="Shop",
    type="postgresql",
    role="source",
    config={"host": "localhost", "port": 5432, "database": "shop", "username": "ada", "password": "…"},
)
print(connection.test().status)`;

/** Show the list. */
export async function render(root, { signal }) {
  const summary = h("p", { class: "soft" });
  const place = h("div", { class: "panel flush" }, loading());
  fill(root, h("div", { class: "page-head" }, h("div", {}, h("h1", { tabindex: -1 }, "Connections"), summary)), place);

  async function load() {
    const found = await all("/connections", { signal });
    if (signal.aborted) return;
    fill(summary, `${count(found.length)} in all`);
    const columns = ["Name", "Status", "Type", "Where", "Last test", ""].map((text) => ({ text }));
    if (found.length === 0) fill(place, nothing());
    else refill(place, table("Connections", columns, found.map((one) => row(one, test))));
  }

  async function test(one, button) {
    const went = await attempt(button, () => post(`/connections/${encodeURIComponent(one.id)}/test`));
    if (went) await load().catch(() => {});
  }

  await load();
}

function row(one, test) {
  return h(
    "tr",
    {},
    cell("Name", [h("span", { class: "strong" }, one.name), one.description ? h("span", { class: "soft small block" }, one.description) : null], "main-cell"),
    cell("Status", pill(one.status)),
    cell("Type", [words(one.type), h("span", { class: "soft small block" }, words(one.role))]),
    cell("Where", h("span", { class: "mono small" }, whereOf(one.config))),
    cell("Last test", lastTest(one.last_test)),
    cell("", h("button", { type: "button", class: "small", data: { focus: one.id }, "aria-label": `Test ${one.name}`, onclick: (event) => test(one, event.currentTarget) }, "Test"), "decide"),
  );
}

function whereOf(config = {}) {
  const host = config.host ?? config.account ?? config.project_id ?? config.path ?? config.service_name;
  const place = config.port ? `${host}:${config.port}` : host;
  const database = config.database ?? config.dataset;
  return [place, database].filter(Boolean).join("/") || dotted(config.connection_string ? "by connection string" : "–");
}

function lastTest(test) {
  if (!test) return h("span", { class: "soft" }, "Never");
  if (test.error) return [h("span", { class: "bad-text" }, test.error.message), h("span", { class: "soft small block" }, ago(test.tested_at))];
  const facts = [
    test.server_version,
    test.table_count !== null && test.table_count !== undefined ? counted(test.table_count, "table") : null,
    test.latency_ms < 1 ? "under 1 ms" : `${count(Math.round(test.latency_ms))} ms`,
  ];
  return [facts.filter(Boolean).join(" · "), h("span", { class: "soft small block" }, ago(test.tested_at))];
}

function nothing() {
  return empty(
    "No connection yet",
    "A connection keeps how to reach a database; its password is encrypted and never shown again. Make one from Python and use its id in migrations:",
    code(EXAMPLE),
  );
}
