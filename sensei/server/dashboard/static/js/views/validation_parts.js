// What a validation found: verdict, perspectives, issues, distributions, certificate.

import { download, get, pause, post, serverTime } from "../api.js";
import { distribution, ring } from "../charts.js";
import { fill, h, icon } from "../dom.js";
import { count, counted, dotted, duration, moment, score, words } from "../format.js";
import { tone } from "../states.js";
import { attempt, cell, loading, meter, panel, pill, problem, table } from "../widgets.js";
import { showCertificate } from "./certificate_panel.js";

const ASK_AGAIN = 1000;
const ISSUES = 8;
const PICTURES = 24;

const PERSPECTIVES = {
  structural: ["Structure", "Is the target built as planned?"],
  statistical: ["Data", "Is every value where it should be?"],
  referential: ["References", "Does every child find its parent?"],
  semantic: ["Meaning", "Do values make sense, do rules hold?"],
  behavioral: ["Behavior", "Do queries get the same answers?"],
};
const FIGURES = {
  tables_checked: "tables",
  columns_checked: "columns",
  distributions_compared: "distributions",
  max_deviation: "largest deviation",
  relationships_verified: "relations followed",
  orphan_records: "orphans",
  rules_evaluated: "rules applied",
  violations: "violations",
  checkpoints_replayed: "rounds",
  queries_replayed: "queries",
  exact_matches: "exact answers",
  semantic_matches: "within tolerance",
  business_matches: "close enough to decide alike",
  mismatches: "other answers",
};
/** Only worth a line when there are any. */
const UNUSUAL = new Set(["semantic_matches", "business_matches"]);
const SENTENCES = {
  passed: "The target holds what the source holds.",
  passed_with_warnings: "The target holds what the source holds, but for what the warnings say.",
  failed: "The target is not a faithful copy. The issues below say where.",
  partial: "Some checks could not be finished, so nothing is certain yet.",
  cancelled: "It was ended before it had looked at everything.",
  pending: "It waits for its turn.",
  running: "Both sides are being compared.",
};
const WORST_FIRST = ["critical", "error", "warning", "info"];
const COUNTED = { critical: ["critical", "critical"], error: ["error"], warning: ["warning"], info: ["note"] };

/** Show one validation, and look again until it has finished. */
export async function showValidation(root, id, signal) {
  const path = `/validations/${encodeURIComponent(id)}`;
  const top = h("div", { class: "stack" });
  const rest = h("div", { class: "stack" });
  fill(root, top, rest);
  fill(top, loading());
  try {
    for (;;) {
      const validation = await get(path, { signal });
      if (signal.aborted) return;
      draw(top, validation, path);
      if (validation.status !== "pending" && validation.status !== "running") {
        await drawRest(rest, validation, path, signal);
        return;
      }
      await pause(ASK_AGAIN, signal);
    }
  } catch (error) {
    if (!signal.aborted) fill(top, problem(error, () => showValidation(root, id, signal)));
  }
}

function draw(place, validation, path) {
  const word = validation.overall_result ?? validation.status;
  const unfinished = validation.status === "pending" || validation.status === "running";
  fill(
    place,
    h(
      "section",
      { class: `panel verdict ${tone(word)}` },
      validation.confidence_score === null ? null : ring(validation.confidence_score, tone(word), score(validation.confidence_score), "confidence"),
      h(
        "div",
        { class: "verdict-text" },
        h("h2", {}, words(word)),
        h("p", {}, validation.error?.message ?? SENTENCES[word] ?? ""),
        h("p", { class: "soft small" }, `${words(validation.type)} validation, ${moment(validation.completed_at ?? validation.created_at)} · `, h("code", {}, validation.id)),
        unfinished ? h("div", { class: "buttons left" }, cancelButton(path)) : reportButtons(validation, path),
      ),
    ),
    unfinished ? howFar(validation) : null,
    perspectives(validation.results),
  );
}

/** How far a validation is, as far as the server can tell. */
function howFar(validation) {
  if (!validation.estimated_completion || !validation.started_at) return null;
  const [began, ends] = [validation.started_at, validation.estimated_completion].map(Date.parse);
  const now = serverTime().getTime();
  const share = Math.min(99, Math.max(0, (100 * (now - began)) / Math.max(1, ends - began)));
  const left = Math.max(1, Math.round((ends - now) / 1000));
  return h("section", { class: "panel" }, meter(share, "Progress of the validation", "busy"), h("p", { class: "soft small" }, `About ${duration(left)} left`));
}

function cancelButton(path) {
  return h("button", { type: "button", onclick: (event) => attempt(event.currentTarget, () => post(`${path}/cancel`, {})) }, "Cancel the validation");
}

function reportButtons(validation, path) {
  const button = (format, text) =>
    h("button", { type: "button", onclick: (event) => attempt(event.currentTarget, () => download(`${path}/report`, { format }, `${validation.id}.${format}`)) }, icon("down"), text);
  return h("div", { class: "buttons left" }, button("html", "Report as HTML"), button("pdf", "PDF"), button("json", "JSON"));
}

function perspectives(results) {
  const names = Object.keys(results ?? {});
  if (names.length === 0) return null;
  return h("section", { class: "perspectives", "aria-label": "Perspectives" }, names.map((name) => perspective(name, results[name])));
}

function perspective(name, result) {
  const [title, question] = PERSPECTIVES[name] ?? [words(name), ""];
  if (result.status === "pending" || result.status === "running") {
    return h("article", { class: `panel perspective ${tone(result.status)}` }, h("div", { class: "item-head" }, h("h3", {}, title), pill(result.status)), h("p", { class: "soft small" }, question));
  }
  const share = 100 * (result.score ?? 0);
  const figures = Object.entries(FIGURES).filter(([key]) => result[key] !== undefined && !(UNUSUAL.has(key) && result[key] === 0));
  const shown = (key, value) => (key === "max_deviation" ? `${Number((100 * value).toPrecision(3))}%` : count(value));
  return h(
    "article",
    { class: `panel perspective ${tone(result.status)}` },
    h("div", { class: "item-head" }, h("h3", {}, title), pill(result.status)),
    h("p", { class: "soft small" }, question),
    meter(share, `Score of ${title}`, tone(result.status)),
    h("div", { class: "score-line" }, h("span", {}, "Score ", h("b", { class: "number" }, score(result.score))), h("span", { class: "soft" }, duration(result.duration_seconds))),
    h("ul", { class: "plain" }, figures.map(([key, label]) => h("li", {}, h("b", { class: "number" }, shown(key, result[key])), ` ${label}`))),
  );
}

async function drawRest(place, validation, path, signal) {
  const issues = h("div", { class: "stack" });
  const pictures = h("div");
  const proof = h("div");
  fill(place, proof, issues, pictures);
  await Promise.all([
    showCertificate(proof, validation, signal),
    showReport(issues, pictures, path, signal),
  ]);
}

async function showReport(issues, pictures, path, signal) {
  let report;
  try {
    report = await get(`${path}/report`, { query: { format: "json", include_details: true }, signal });
  } catch (error) {
    if (!signal.aborted) fill(issues, problem(error));
    return;
  }
  fill(issues, issuesPanel(report.issues ?? []), rulesPanel(report.rules ?? []));
  drawPictures(pictures, report.profiles ?? []);
}

function issuesPanel(issues) {
  if (issues.length === 0) return panel("Issues", h("p", { class: "soft" }, "None were found."));
  const counts = WORST_FIRST.map((severity) => [severity, issues.filter((issue) => issue.severity === severity).length]).filter(([, number]) => number > 0);
  const list = h("ul", { class: "issues" }, issues.slice(0, ISSUES).map(issueItem));
  const showRest = () => {
    list.append(...issues.slice(ISSUES).map(issueItem));
    more.remove();
  };
  const more = issues.length > ISSUES ? h("button", { type: "button", class: "more", onclick: showRest }, `Show all ${count(issues.length)}`) : null;
  return panel(
    "Issues",
    h("p", { class: "flags" }, counts.map(([severity, number]) => h("span", { class: `pill ${tone(severity)}` }, counted(number, ...COUNTED[severity])))),
    list,
    more,
  );
}

function issueItem(issue) {
  const place = dotted(issue.schema, issue.table, issue.column);
  const facts = [
    ["expected", issue.expected],
    ["found", issue.actual],
    ["records", issue.affected_records],
    ["taken for", issue.classification ? words(issue.classification) : null],
  ].filter(([, value]) => value !== null && value !== undefined);
  const details = issue.details && Object.keys(issue.details).length > 0 ? JSON.stringify(issue.details, null, 2) : null;
  return h(
    "li",
    { class: tone(issue.severity) },
    h("div", { class: "item-head" }, h("span", { class: `pill ${tone(issue.severity)}` }, words(issue.severity)), place ? h("b", { class: "mono" }, place) : null, h("code", { class: "soft" }, issue.code)),
    h("p", {}, issue.message),
    facts.length > 0 ? h("p", { class: "soft small" }, facts.map(([label, value]) => `${label}: ${textOf(value)}`).join(" · ")) : null,
    details ? h("details", {}, h("summary", {}, "Details"), h("pre", { tabindex: 0 }, h("code", {}, details))) : null,
  );
}

function rulesPanel(rules) {
  if (rules.length === 0) return null;
  const columns = ["Rule", "Outcome", "Severity", "Expected", "Found"].map((text) => ({ text }));
  const rows = rules.map((rule) =>
    h(
      "tr",
      {},
      cell("Rule", rule.name, "main-cell"),
      cell("Outcome", h("span", { class: `pill ${rule.passed ? "good" : tone(rule.severity)}` }, rule.passed ? "Holds" : "Broken")),
      cell("Severity", words(rule.severity)),
      cell("Expected", textOf(rule.expected), "mono"),
      cell("Found", textOf(rule.actual), "mono"),
    ),
  );
  return panel("Your rules", table("Custom rules", columns, rows));
}

function drawPictures(place, profiles) {
  if (profiles.length === 0) return;
  let most = PICTURES;
  // What differs is what people look for.
  const ordered = profiles.map((profile) => ({ profile, differs: !alike(profile) })).sort((one, other) => Number(other.differs) - Number(one.differs));
  const grid = h("div", { class: "pictures" });
  const more = h("button", { type: "button", class: "more", onclick: () => ((most += PICTURES * 2), redraw()) });
  const redraw = () => {
    fill(grid, ordered.slice(0, most).map(picture));
    more.hidden = ordered.length <= most;
    fill(more, `Show more (${count(ordered.length - most)})`);
  };
  redraw();
  const differing = ordered.filter((one) => one.differs).length;
  fill(
    place,
    panel(
      "Distributions",
      h(
        "p",
        { class: "legend" },
        h("span", { class: "key source" }, "Source, upwards"),
        h("span", { class: "key target" }, "Target, downwards"),
        h("span", { class: "soft" }, differing > 0 ? `${counted(differing, "column")} of ${count(ordered.length)} differ; those come first.` : `All ${count(ordered.length)} columns mirror their source.`),
      ),
      grid,
      more,
    ),
  );
}

const COMPARED = [
  ["rows", "rows"],
  ["nulls", "nulls"],
  ["distinct", "distinct"],
  ["min", "min"],
  ["max", "max"],
  ["mean", "mean"],
];

function picture({ profile, differs }) {
  const figures = COMPARED.filter(([key]) => profile.source?.[key] !== undefined && profile.source[key] !== null);
  return h(
    "figure",
    { class: `picture ${differs ? "differs" : ""}` },
    h("figcaption", {}, h("span", { class: "mono" }, h("span", { class: "soft" }, profile.table, "."), profile.column), differs ? h("span", { class: "pill bad" }, "Differs") : h("span", { class: "soft small" }, profile.kind)),
    distribution(profile),
    h(
      "details",
      {},
      h("summary", {}, "Figures"),
      h(
        "table",
        { class: "compact" },
        h("thead", {}, h("tr", {}, h("th", {}), h("th", { class: "right" }, "source"), h("th", { class: "right" }, "target"))),
        h("tbody", {}, figures.map(([key, label]) => h("tr", {}, h("th", { scope: "row" }, label), [profile.source, profile.target].map((side) => h("td", { class: "right number" }, textOf(side?.[key])))))),
      ),
    ),
  );
}

function alike(profile) {
  return JSON.stringify(profile.source) === JSON.stringify(profile.target);
}

function textOf(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") return Number.isInteger(value) ? count(value) : String(Number(value.toPrecision(7)));
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}
