// Webhooks.

import { all } from "../api.js";
import { fill, h } from "../dom.js";
import { ago, count } from "../format.js";
import { cell, code, empty, loading, table } from "../widgets.js";

const EXAMPLE = `webhook = client.webhooks.create(
    url="https://example.com/hooks/sensei",
    events=["migration.*", "validation.failed"],
)
print(webhook.secret)  # shown this once; receivers need it`;

/** Show the list. */
export async function render(root, { signal }) {
  const summary = h("p", { class: "soft" });
  const place = h("div", { class: "panel flush" }, loading());
  fill(root, h("div", { class: "page-head" }, h("div", {}, h("h1", { tabindex: -1 }, "Webhooks"), summary)), place);
  const found = await all("/webhooks", { signal });
  if (signal.aborted) return;
  fill(summary, `${count(found.length)} in all`);
  const columns = ["Address", "State", "Events", "Last delivered"].map((text) => ({ text }));
  fill(place, found.length === 0 ? nothing() : table("Webhooks", columns, found.map(row)));
}

function row(one) {
  return h(
    "tr",
    {},
    cell("Address", [h("a", { class: "strong mono", href: `#/webhooks/${encodeURIComponent(one.id)}` }, one.url), one.description ? h("span", { class: "soft small block" }, one.description) : null], "main-cell"),
    cell("State", h("span", { class: `pill ${one.enabled ? "good" : "idle"}` }, one.enabled ? "On" : "Off")),
    cell("Events", h("span", { class: "flags" }, one.events.map((event) => h("code", {}, event)))),
    cell("Last delivered", h("span", { class: "soft" }, one.last_delivery_at ? ago(one.last_delivery_at) : "Nothing yet")),
  );
}

function nothing() {
  return empty(
    "No webhook yet",
    "A webhook tells a program of yours what happens, signed so that it can be believed. Make one from Python:",
    code(EXAMPLE),
  );
}
