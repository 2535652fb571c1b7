// Where a person gives a key.

import { fill, h } from "../dom.js";
import { code } from "../widgets.js";

/** The form; `onKey` is given the key and rejects when it is not taken. */
export function signInView({ message, themeButton, onKey }) {
  const input = h("input", {
    id: "key",
    type: "password",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    placeholder: "sk_test_…",
    required: true,
    "aria-describedby": "key-note key-problem",
  });
  const wrong = h("p", { id: "key-problem", class: "wrong", role: "alert" }, message ?? "");
  const button = h("button", { class: "primary wide", type: "submit" }, "Sign in");
  const form = h(
    "form",
    { novalidate: true, onsubmit: submit },
    h("label", { for: "key" }, "API key"),
    input,
    h("p", { id: "key-note", class: "soft" }, "It stays in this tab and is forgotten when the tab is closed."),
    wrong,
    button,
  );

  async function submit(event) {
    event.preventDefault();
    const key = input.value.trim();
    // Only what can stand in a header; anything else is no key.
    if (!/^[\x21-\x7e]+$/.test(key)) return say(key === "" ? "Give a key first." : "A key has no blanks or special characters.");
    button.disabled = true;
    fill(wrong);
    try {
      await onKey(key);
    } catch (error) {
      say(error.status === 401 ? "The server does not know this key." : error.message);
    } finally {
      button.disabled = false;
    }
    return undefined;
  }

  function say(text) {
    fill(wrong, text);
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }

  return h(
    "div",
    { class: "sign-in" },
    h(
      "main",
      { class: "card" },
      h("div", { class: "sign-in-head" }, h("img", { src: "/dashboard/icon.svg", alt: "", width: 40, height: 40 }), themeButton),
      h("h1", {}, "Sign in to Sensei"),
      h("p", { class: "soft" }, `The dashboard of ${location.host}. It sees what your key may see.`),
      form,
      h(
        "details",
        {},
        h("summary", {}, "Where do I find a key?"),
        h("p", {}, "The server prints one when it starts, as SENSEI_API_KEY:"),
        code("sensei serve"),
        h("p", {}, "In a program, a local server has it as an attribute:"),
        code("from sensei.testing import LocalServer\n\nserver = LocalServer().start()\nprint(server.url, server.api_key)"),
      ),
    ),
  );
}
