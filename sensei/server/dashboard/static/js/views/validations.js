// All validations.

import { get } from "../api.js";
import { fill, h } from "../dom.js";
import { ago, count, score, words } from "../format.js";
import { cell, code, empty, loading, pill, table } from "../widgets.js";

const PAGE = 50;

const EXAMPLE = `validation = client.validations.create(migration_id="mig_…", type="full")
validation.wait()
print(validation.overall_result)`;

/** Show the list, newest first. */
export async function render(root, { signal }) {
  const found = [];
  const summary = h("p", { class: "soft" });
  const place = h("div", { class: "panel flush" }, loading());
  fill(root, h("div", { class: "page-head" }, h("div", {}, h("h1", { tabindex: -1 }, "Validations"), summary)), place);

  async function more() {
    const page = await get("/validations", { query: { limit: PAGE, offset: found.length }, signal });
    if (signal.aborted) return;
    found.push(...page.data.filter((one) => !found.some((other) => other.id === one.id)));
    fill(summary, `${count(page.pagination.total)} in all`);
    if (found.length === 0) return fill(place, nothing());
    const columns = ["Validation", "Result", "Confidence", "Type", "Certificate", "Made"].map((text) => ({ text }));
    return fill(
      place,
      table("Validations", columns, found.map(row)),
      page.pagination.has_more ? h("button", { type: "button", class: "more", onclick: () => more() }, "Show more") : null,
    );
  }

  await more();
}

function row(one) {
  return h(
    "tr",
    {},
    cell("Validation", h("a", { class: "mono strong", href: `#/validations/${encodeURIComponent(one.id)}` }, one.id), "main-cell"),
    cell("Result", pill(one.overall_result ?? one.status)),
    cell("Confidence", score(one.confidence_score), "number"),
    cell("Type", words(one.type)),
    cell("Certificate", one.certificate_id ? h("span", { class: "mono small" }, one.certificate_id) : h("span", { class: "soft" }, "None")),
    cell("Made", h("span", { class: "soft" }, ago(one.created_at))),
  );
}

function nothing() {
  return empty(
    "No validation yet",
    "Every migration compares both sides before it finishes. A completed one can be validated again at any time, from its own page or from Python:",
    code(EXAMPLE),
  );
}
