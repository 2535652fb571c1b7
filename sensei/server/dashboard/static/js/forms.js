// Forms that send a request and show what the server says of it, each sentence beside the field that it is about.

import { fill, h, icon, uniqueId } from "./dom.js";

/**
 * One question of a form. `name` is the path of the member in the request, as the server names it in its errors:
 * `config.host`. `type` is `text`, `password`, `number`, `select` (with `options`), `textarea` or `checkbox`.
 */
export function field({ name, label, type = "text", hint, needed = false, options = [], value = "", placeholder, maximum, wide = false }) {
  const id = uniqueId("field");
  const isOpen = !needed && type !== "select" && type !== "checkbox";
  const shared = { id, "aria-describedby": `${id}-hint ${id}-wrong`, "aria-required": needed ? "true" : null };
  const plain = { ...shared, placeholder, maxlength: maximum, autocomplete: type === "password" ? "new-password" : "off", autocapitalize: "off", spellcheck: "false" };
  const input =
    type === "select"
      ? h("select", shared, options.map(([one, text]) => h("option", { value: one, selected: one === value }, text)))
      : type === "textarea"
        ? h("textarea", { ...plain, rows: 3 })
        : type === "checkbox"
          ? h("input", { ...shared, type, checked: value === true })
          : h("input", { ...plain, type: type === "number" ? "text" : type, inputmode: type === "number" ? "numeric" : null, value });
  const wrong = h("p", { id: `${id}-wrong`, class: "wrong" });
  const note = h("p", { id: `${id}-hint`, class: "hint" }, hint ?? "");
  const title = h("label", { for: id }, label, isOpen ? h("span", { class: "soft" }, " (optional)") : null);
  const element = h("div", { class: `question ${type === "checkbox" ? "tick-first" : ""} ${wide ? "wide" : ""}` }, type === "checkbox" ? [input, title] : [title, input], note, wrong);

  function say(text) {
    fill(wrong, text);
    if (text === "") input.removeAttribute("aria-invalid");
    else input.setAttribute("aria-invalid", "true");
  }

  input.addEventListener("input", () => say(""));
  return {
    name,
    element,
    input,
    needed,
    say,
    /** What was given, or undefined where nothing was. */
    get value() {
      if (type === "checkbox") return input.checked ? true : undefined;
      const text = type === "password" ? input.value : input.value.trim();
      if (text === "") return undefined;
      return type === "number" && /^\d+$/.test(text) ? Number(text) : text;
    },
    get isShown() {
      return element.isConnected && element.closest("[hidden]") === null;
    },
  };
}

/** Fields under one heading. */
export function group(title, ...children) {
  return h("fieldset", { class: "group" }, h("legend", {}, title), ...children);
}

/**
 * A form of `fields` laid out as `children` say. `work` is given nothing and sends the request; its ApiError is shown.
 * Only fields that are shown must be filled in.
 */
export function form({ label, fields, children, action, back, work }) {
  const problem = h("div", { role: "alert" });
  const button = h("button", { class: "primary", type: "submit" }, action);

  async function submit(event) {
    event.preventDefault();
    if (button.disabled) return;
    fill(problem);
    const shown = fields.filter((one) => one.isShown);
    for (const one of shown) one.say(one.needed && one.value === undefined ? "Please fill this in." : "");
    if (focusWrong(shown)) return;
    button.disabled = true;
    try {
      await work();
    } catch (error) {
      if (error.name !== "AbortError") tell(error, shown);
    } finally {
      button.disabled = false;
    }
  }

  function tell(error, shown) {
    const missing = error.code === "forbidden" ? error.details?.required_scope : undefined;
    const said = error.details?.errors ?? (error.details?.field ? [{ field: error.details.field, message: error.message.replace(`${error.details.field}: `, "") }] : []);
    const others = [];
    for (const { field: path, message } of said) {
      const one = shown.find(({ name }) => name === path) ?? shown.find(({ name }) => path.startsWith(`${name}.`));
      if (one) one.say(sentence(message));
      else others.push(`${path}: ${message}`);
    }
    const text = missing ? [`Your key lacks the scope ${missing}.`] : said.length === 0 ? [error.message] : others;
    if (text.length > 0) {
      const request = error.requestId ? h("p", { class: "soft small" }, "Request ", h("code", {}, error.requestId)) : null;
      fill(problem, h("div", { class: "notice bad" }, icon("warn"), h("div", {}, text.map((line) => h("p", {}, line)), request)));
    }
    if (!focusWrong(shown)) problem.scrollIntoView({ block: "nearest" });
  }

  return h(
    "form",
    { class: "panel request", novalidate: true, "aria-label": label, onsubmit: submit },
    ...children,
    problem,
    h("div", { class: "buttons left" }, button, h("a", { class: "button", href: back }, "Cancel")),
  );
}

function focusWrong(fields) {
  const first = fields.find(({ input }) => input.getAttribute("aria-invalid") === "true");
  first?.input.focus();
  return first !== undefined;
}

function sentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** `{"config.host": "a"}` → `{config: {host: "a"}}`, without what is undefined. */
export function body(members) {
  const whole = {};
  for (const [path, value] of Object.entries(members)) {
    if (value === undefined) continue;
    const names = path.split(".");
    const last = names.pop();
    let place = whole;
    for (const name of names) place = place[name] ??= {};
    place[last] = value;
  }
  return whole;
}
