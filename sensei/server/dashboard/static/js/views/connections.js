// Stored connections and what their last test said.

import { all, pause, post, send } from "../api.js";
import { bdi, fill, h, refill } from "../dom.js";
import { ago, count, counted, dotted, words } from "../format.js";
import { attempt, cell, code, confirm, empty, loading, pill, table } from "../widgets.js";

const ASK_AGAIN = 1000;

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
  const buttons = h("div", { class: "buttons", hidden: true }, newButton());
  let waiting = false;
  fill(root, h("div", { class: "page-head" }, h("div", {}, h("h1", { tabindex: -1 }, "Connections"), summary), buttons), place);

  async function load() {
    const found = await all("/connections", { signal });
    if (signal.aborted) return;
    fill(summary, `${count(found.length)} in all`);
    buttons.hidden = found.length === 0;
    const columns = ["Name", "Status", "Type", "Where", "Last test", ""].map((text) => ({ text }));
    if (found.length === 0) fill(place, nothing());
    else refill(place, table("Connections", columns, found.map((one) => row(one, test, remove))));
    if (found.some((one) => one.status === "testing")) lookAgain();
  }

  /** A new connection is tested by itself. */
  async function lookAgain() {
    if (waiting) return;
    waiting = true;
    await pause(ASK_AGAIN, signal).catch(() => {});
    waiting = false;
    if (!signal.aborted) await load().catch(lookAgain);
  }

  async function remove(one, button) {
    const answer = await confirm({
      title: "Delete this connection?",
      text: `${one.name} and its password are forgotten. The database itself is not touched.`,
      action: "Delete",
      danger: true,
    });
    if (answer === null) return;
    const went = await attempt(button, () => send("DELETE", `/connections/${encodeURIComponent(one.id)}`), "The connection is deleted.");
    if (went) await load().catch(() => {});
  }

  async function test(one, button) {
    const went = await attempt(button, () => post(`/connections/${encodeURIComponent(one.id)}/test`));
    if (went) await load().catch(() => {});
  }

  await load();
}

function newButton(kind = "") {
  return h("a", { class: `button ${kind}`, href: "#/connections/new" }, "New connection");
}

function row(one, test, remove) {
  return h(
    "tr",
    {},
    cell("Name", [h("span", { class: "strong" }, bdi(one.name)), one.description ? h("span", { class: "soft small block" }, one.description) : null], "main-cell"),
    cell("Status", pill(one.status)),
    cell("Type", [words(one.type), h("span", { class: "soft small block" }, words(one.role))]),
    cell("Where", h("span", { class: "mono small" }, whereOf(one.config))),
    cell("Last test", lastTest(one.last_test)),
    cell(
      "",
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", class: "small", data: { focus: one.id }, "aria-label": `Test ${one.name}`, onclick: (event) => test(one, event.currentTarget) }, "Test"),
        h("button", { type: "button", class: "small quiet", data: { focus: `delete-${one.id}` }, "aria-label": `Delete ${one.name}`, onclick: (event) => remove(one, event.currentTarget) }, "Delete…"),
      ),
      "decide",
    ),
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
    "A connection keeps how to reach a database; its password is encrypted and never shown again. Migrations then name it.",
    h("p", {}, newButton("primary")),
    h("p", {}, "Or from Python:"),
    code(EXAMPLE),
  );
}
