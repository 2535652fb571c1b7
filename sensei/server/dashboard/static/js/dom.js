// Elements are made here and nowhere else. Strings become text nodes, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element: `h("button", {class: "primary", onclick: go, disabled: true}, "Go")`. */
export function h(tag, attributes = {}, ...children) {
  return furnish(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function s(tag, attributes = {}, ...children) {
  return furnish(document.createElementNS(SVG, tag), attributes, children);
}

/** Attributes that are read out or shown. */
const SPOKEN = new Set(["aria-label", "title", "placeholder"]);

function furnish(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "vars") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else element.setAttribute(name, value === true ? "" : SPOKEN.has(name) ? shown(String(value)) : String(value));
  }
  element.append(...flat(children));
  return element;
}

function flat(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : shown(String(child))));
}

/** A text in which signs that would turn the direction of what follows are seen instead of obeyed: "[U+202E]". */
export function shown(text) {
  return text.replace(/[\u202A-\u202E\u2066-\u2069]/g, (sign) => `[U+${sign.codePointAt(0).toString(16).toUpperCase()}]`);
}

/** A name that others gave: its direction is its own, and that of the text around it stays. */
export function bdi(text) {
  return h("bdi", {}, text);
}

/** Replace what is inside an element; null and false children are left out. */
export function fill(element, ...children) {
  element.replaceChildren(...flat(children));
  return element;
}

/** The same where the keyboard focus may be inside: it goes to what has the same `data-focus` afterwards. */
export function refill(element, ...children) {
  const held = element.contains(document.activeElement) ? document.activeElement.closest("[data-focus]") : null;
  const key = held?.dataset.focus;
  fill(element, ...children);
  if (key === undefined) return element;
  const again = [...element.querySelectorAll("[data-focus]")].find((one) => one.dataset.focus === key);
  (again ?? element.querySelector("[data-focus], a, button"))?.focus();
  return element;
}

let last = 0;

/** An id that no other element of the page has. */
export function uniqueId(prefix) {
  last += 1;
  return `${prefix}-${last}`;
}

/** Say something to screen readers without moving anything. */
export function announce(text) {
  document.getElementById("announcements").textContent = shown(text);
}

/** Show a message for a few seconds; `tone` is good or bad. */
export function toast(text, tone = "good") {
  const place = document.getElementById("toasts");
  const note = h("div", { class: `toast ${tone}`, role: tone === "bad" ? "alert" : null }, h("span", {}, text), closeButton(() => note.remove()));
  place.append(note);
  setTimeout(() => note.remove(), tone === "bad" ? 12000 : 5000);
}

/** A small cross. */
export function closeButton(onclick, label = "Close") {
  return h("button", { class: "icon-button", type: "button", "aria-label": label, onclick }, icon("cross"));
}

const PATHS = {
  cross: "M4 4l8 8M12 4l-8 8",
  check: "M3 8.500l3.500 3.500L13 4.500",
  arrow: "M3 8h10M9 4l4 4-4 4",
  back: "M13 8H3M7 4L3 8l4 4",
  copy: "M5.500 5.500V3h7.500v7.500h-2.500M3 5.500h7.500V13H3z",
  down: "M8 3v8M4.500 8L8 11.500 11.500 8M3 13.500h10",
  warn: "M8 2.500l6 11H2zM8 6.500v3M8 11.500v.2",
  theme: "M8 2.500a5.500 5.500 0 1 0 0 11zM8 2.500a5.500 5.500 0 0 1 0 11",
  leave: "M6.500 3H3v10h3.500M7 8h6M10.500 5.500L13 8l-2.500 2.500",
};

/** A drawn sign in the colour of the text around it; decoration only. */
export function icon(name) {
  return s("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, s("path", { d: PATHS[name] }));
}
