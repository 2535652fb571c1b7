// One webhook and its deliveries.

import { get, patch, pause, post } from "../api.js";
import { fill, h, icon, refill, toast } from "../dom.js";
import { ago, clock, count, counted, duration, moment } from "../format.js";
import { attempt, cell, choices, empty, loading, pill, table } from "../widgets.js";

const STATUSES = [
  ["", "All"],
  ["pending", "Pending"],
  ["delivered", "Delivered"],
  ["failed", "Failed"],
];
const PAGE = 50;
const ASK_AGAIN = 3000;

/** Show a webhook. */
export async function render(root, { id, signal }) {
  const path = `/webhooks/${encodeURIComponent(id)}`;
  const head = h("div", { class: "page-head" });
  const place = h("div", { class: "panel flush" }, loading());
  const opened = new Set();
  let status = "";
  fill(
    root,
    h("a", { class: "back", href: "#/webhooks" }, icon("back"), "Webhooks"),
    head,
    h("div", { class: "toolbar" }, h("h2", {}, "Deliveries"), choices("Status", STATUSES, "", (value) => ((status = value), load().catch(() => {})))),
    place,
  );

  async function showHead() {
    const webhook = await get(path, { signal });
    const toggle = (event) => attempt(event.currentTarget, () => patch(path, { enabled: !webhook.enabled })).then(showHead);
    refill(
      head,
      h(
        "div",
        {},
        h("div", { class: "title-line" }, h("h1", { tabindex: -1, class: "mono" }, webhook.url), h("span", { class: `pill ${webhook.enabled ? "good" : "idle"}` }, webhook.enabled ? "On" : "Off")),
        h("p", { class: "soft" }, webhook.description ?? "", webhook.description ? " · " : "", h("code", {}, webhook.id)),
        h("p", { class: "flags" }, webhook.events.map((event) => h("code", {}, event))),
      ),
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", data: { focus: "test" }, onclick: (event) => sendTest(event.currentTarget) }, "Send a test event"),
        h("button", { type: "button", data: { focus: "toggle" }, onclick: toggle }, webhook.enabled ? "Turn off" : "Turn on"),
      ),
    );
  }

  async function sendTest(button) {
    await attempt(button, async () => {
      const result = await post(`${path}/test`, {});
      if (result.success === false) toast(result.error ?? `The receiver answered ${result.response_status}.`, "bad");
      else toast("The receiver took the test event.");
    });
    await load().catch(() => {});
  }

  async function load() {
    const asked = status;
    const page = await get(`${path}/deliveries`, { query: { status, limit: PAGE }, signal });
    if (signal.aborted || asked !== status) return;
    if (page.data.length === 0) fill(place, status === "" ? nothing() : empty("None here", "No delivery has this status."));
    else refill(place, table("Deliveries", ["Event", "Status", "Attempts", "Answer", "Made", ""].map((text) => ({ text })), page.data.map(row)), page.pagination.has_more ? h("p", { class: "soft pad" }, `The newest ${count(PAGE)} of ${count(page.pagination.total)} are shown.`) : null);
  }

  function row(one) {
    const attempts = one.attempts ?? [];
    const open = opened.has(one.id);
    const toggle = () => {
      if (!opened.delete(one.id)) opened.add(one.id);
      load().catch(() => {});
    };
    const retry = (event) => attempt(event.currentTarget, () => post(`${path}/deliveries/${encodeURIComponent(one.id)}/retry`, {}), "It is delivered again.").then(load);
    return h(
      "tr",
      {},
      cell("Event", [h("span", { class: "mono strong" }, one.event_type), one.test ? " " : null, one.test ? h("span", { class: "pill idle" }, "Test") : null, h("span", { class: "soft small block mono" }, one.id)], "main-cell"),
      cell("Status", [pill(one.status), one.next_attempt_at ? h("span", { class: "soft small block" }, `next ${moment(one.next_attempt_at)}`) : null]),
      cell("Attempts", attempts.length > 0 ? [h("button", { type: "button", class: "small quiet", data: { focus: `open-${one.id}` }, "aria-expanded": String(open), onclick: toggle }, counted(one.attempt_count, "attempt")), open ? h("ol", { class: "attempts" }, attempts.map(attemptItem)) : null] : count(one.attempt_count)),
      cell("Answer", answer(attempts.at(-1), one.response_status)),
      cell("Made", h("span", { class: "soft" }, ago(one.created_at))),
      cell("", one.status === "failed" && !one.test ? h("button", { type: "button", class: "small", data: { focus: `retry-${one.id}` }, "aria-label": `Deliver ${one.event_type} again`, onclick: retry }, "Retry") : null, "decide"),
    );
  }

  await showHead();
  await load();
  keepLooking(signal, load);
}

async function keepLooking(signal, load) {
  while (!signal.aborted) {
    await pause(ASK_AGAIN, signal).catch(() => {});
    if (!signal.aborted && !document.hidden) await load().catch(() => {});
  }
}

function attemptItem(one) {
  return h("li", {}, `${clock(one.attempted_at)}: ${one.response_status ?? one.error ?? "no answer"}`, one.duration_ms === null ? null : h("span", { class: "soft" }, ` in ${duration(one.duration_ms / 1000)}`));
}

function answer(last, status) {
  if (status !== null && status !== undefined) return h("span", { class: `number ${status < 300 ? "" : "bad-text"}` }, String(status));
  return last?.error ? h("span", { class: "bad-text small" }, last.error) : h("span", { class: "soft" }, "–");
}

function nothing() {
  return empty("Nothing delivered yet", "Deliveries appear here as events happen. To see one now, send a test event with the button above.");
}
