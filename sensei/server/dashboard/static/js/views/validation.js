// One validation by itself.

import { fill, h, icon } from "../dom.js";
import { showValidation } from "./validation_parts.js";

/** Show a validation. */
export async function render(root, { id, signal }) {
  const content = h("div", { class: "stack" });
  fill(
    root,
    h("a", { class: "back", href: "#/validations" }, icon("back"), "Validations"),
    h("div", { class: "page-head" }, h("h1", { tabindex: -1 }, "Validation")),
    content,
  );
  await showValidation(content, id, signal);
}
