// Pieces that several views use.

import { ConnectionError } from "./api.js";
import { announce, closeButton, fill, h, icon, toast, uniqueId } from "./dom.js";
import { words } from "./format.js";
import { tone } from "./states.js";

const ASK_AGAIN = 3000;

/** A status as a small label. */
export function pill(status, text = words(status)) {
  return h("span", { class: `pill ${tone(status)}`, data: { status } }, text);
}

/** A bar from 0 to 100; null is an unknown share. */
export function meter(percent, label, kind = "") {
  const bar = h("div", { class: `meter ${kind}`, role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100 }, h("i"));
  setMeter(bar, percent);
  return bar;
}

/** Move a bar. */
export function setMeter(bar, percent) {
  if (percent === null || percent === undefined) bar.removeAttribute("aria-valuenow");
  else bar.setAttribute("aria-valuenow", String(Math.round(percent)));
  bar.firstChild.style.width = `${Math.max(0, Math.min(100, percent ?? 0))}%`;
}

/** A figure with its name. */
export function figure(label, value, note) {
  return h("div", { class: "figure" }, h("dt", {}, label), h("dd", {}, value), note ? h("dd", { class: "note" }, note) : null);
}

/** A panel with a heading. */
export function panel(title, ...children) {
  return h("section", { class: "panel" }, title ? h("h2", {}, title) : null, ...children);
}

/** Text that is meant to be copied. */
export function code(text, label = "Copy") {
  const button = h("button", { class: "copy", type: "button", "aria-label": label, onclick: copy }, icon("copy"), h("span", {}, "Copy"));
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      fill(button, icon("check"), h("span", {}, "Copied"));
      announce("Copied");
      setTimeout(() => fill(button, icon("copy"), h("span", {}, "Copy")), 2000);
    } catch {
      getSelection().selectAllChildren(block);
    }
  }
  const block = h("code", {}, text);
  return h("div", { class: "code" }, h("pre", { tabindex: 0 }, block), button);
}

/** What a newcomer sees where nothing is yet. */
export function empty(title, text, ...rest) {
  return h("div", { class: "empty" }, h("h3", {}, title), h("p", {}, text), ...rest);
}

/** What is shown when something cannot be shown. */
export function problem(error, again) {
  const missing = error.code === "forbidden" ? error.details?.required_scope : undefined;
  const text = missing ? `Your key lacks the scope ${missing}.` : error.message;
  const isGone = error instanceof ConnectionError;
  const notice = h(
    "div",
    { class: "notice bad", role: "alert" },
    icon("warn"),
    h("div", {}, h("p", {}, text), error.requestId ? h("p", { class: "soft" }, "Request ", h("code", {}, error.requestId)) : null, isGone && again ? h("p", { class: "soft" }, "It is asked again every few seconds.") : null),
    again && error.status !== 404 ? h("button", { type: "button", onclick: again }, "Try again") : null,
  );
  // Gone with the notice: who went to another place asks there.
  if (isGone && again) setTimeout(() => notice.isConnected && again(), ASK_AGAIN);
  return notice;
}

/** Grey lines while something loads. */
export function loading() {
  return h("div", { class: "skeleton", role: "status", "aria-label": "Loading" }, h("i"), h("i"), h("i"));
}

/** Run something that a button started: the button waits, failures are told. Gives whether it went well. */
export async function attempt(button, work, done) {
  button.disabled = true;
  try {
    await work();
    if (done) toast(done);
    return true;
  } catch (error) {
    if (error.name !== "AbortError") toast(error.message, "bad");
    return false;
  } finally {
    button.disabled = false;
  }
}

/** Ask before something is done. Resolves to the form's values, or to null when it is not wanted. */
export function confirm({ title, text, action, danger = false, fields = [] }) {
  return new Promise((resolve) => {
    const heading = uniqueId("dialog");
    const inputs = fields.map((field) => ({ ...field, input: input(field) }));
    const values = () => Object.fromEntries(inputs.map(({ name, input: one }) => [name, one.type === "checkbox" ? one.checked : one.value.trim()]));
    let answer = null;
    const dialog = h(
      "dialog",
      { class: "dialog", "aria-labelledby": heading },
      h("h2", { id: heading }, title),
      h("p", {}, text),
      inputs.map(({ label, input: one }) => h("label", { class: one.type === "checkbox" ? "check" : "field" }, one.type === "checkbox" ? [one, label] : [label, one])),
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", onclick: () => dialog.close() }, "Back"),
        h("button", { type: "button", class: danger ? "danger" : "primary", onclick: () => ((answer = values()), dialog.close()) }, action),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

function input({ type = "text", value = "", checked = false, maximum }) {
  return h("input", { type, value, checked, maxlength: maximum, autocomplete: "off" });
}

/** Tabs by the pattern of WAI-ARIA: arrows move, only the chosen one is a stop for Tab. `choose` says where to go. */
export function tabs(label, items, chosen, choose) {
  const list = h("div", { class: "tabs", role: "tablist", "aria-label": label });
  const buttons = items.map(({ id, text }) =>
    h(
      "button",
      { type: "button", role: "tab", id: `tab-${id}`, "aria-selected": String(id === chosen), tabindex: id === chosen ? 0 : -1, onclick: () => choose(id) },
      text,
      h("span", { class: "mark", hidden: true }, h("span", { class: "visually-hidden" }, "(some)")),
    ),
  );
  list.addEventListener("keydown", (event) => {
    const now = buttons.indexOf(document.activeElement);
    const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = buttons[(to + buttons.length) % buttons.length];
    next.focus();
    next.click();
  });
  list.append(...buttons);
  return list;
}

/** A group of choices of which one is on; native radio buttons, so arrows work. */
export function choices(label, items, chosen, choose) {
  const name = uniqueId("choice");
  return h(
    "fieldset",
    { class: "choices" },
    h("legend", { class: "visually-hidden" }, label),
    items.map(([value, text]) =>
      h("label", {}, h("input", { type: "radio", name, value, checked: value === chosen, onchange: () => choose(value) }), h("span", {}, text)),
    ),
  );
}

/** A table with its head; on narrow screens each row becomes a card, which needs the names of the columns. */
export function table(label, columns, rows) {
  return h(
    "div",
    { class: "table-wrap" },
    h(
      "table",
      { "aria-label": label },
      h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col", class: column.class }, column.text)))),
      h("tbody", {}, rows),
    ),
  );
}

/** A cell that knows the name of its column. */
export function cell(label, content, kind) {
  return h("td", { data: { label }, class: kind }, h("div", { class: "cell" }, content));
}
