// Make a migration: where from, where to, how.

import { all, post } from "../api.js";
import { fill, h, icon, toast } from "../dom.js";
import { body, field, form, group } from "../forms.js";
import { words } from "../format.js";

const OTHER = "";
const STRATEGIES = [
  ["balanced", "Balanced"],
  ["safe", "Safe: smaller steps, more checkpoints"],
  ["speed", "Speed: larger steps, fewer checkpoints"],
];
const VALIDATIONS = [
  ["full", "Full: all five perspectives, and a certificate"],
  ["standard", "Standard"],
  ["quick", "Quick: counts and samples"],
];
const REVIEW = [
  ["0.95", "What is less than 0.95 sure"],
  ["0.8", "What is less than 0.80 sure"],
  ["none", "Every mapping"],
];
const EXISTING = [
  ["", "Stop: nothing of it is touched"],
  ["append_to_existing", "Add rows to it"],
  ["truncate_existing_tables", "Empty it first"],
  ["drop_existing_tables", "Drop it first"],
];
const SCHEMES = { sqlite: "sqlite", postgresql: "postgresql", postgres: "postgresql", mysql: "mysql", mariadb: "mysql" };

/** Show the form. */
export async function render(root, { signal }) {
  const connections = await all("/connections", { signal }).catch((error) => {
    // Who may not see connections can still give connection strings.
    if (error.status === 403) return [];
    throw error;
  });
  const source = new End("source", "Source", "sqlite:////srv/data/shop.db", connections);
  const target = new End("target", "Target", "postgresql://ada:secret@localhost:5432/shop", connections);
  const name = field({ name: "name", label: "Name", needed: true, maximum: 255, wide: true, placeholder: "Move the shop" });
  const tables = field({ name: "source.tables", label: "Only these tables", placeholder: "orders, customers*", hint: "Names with commas between; * stands for anything." });
  const excluded = field({ name: "source.exclude_tables", label: "Not these tables" });
  const schema = field({ name: "target.schema", label: "Schema on the target", hint: "Where the database has schemas." });
  const existing = field({ name: "existing", label: "If a table is there already", type: "select", options: EXISTING });
  const strategy = field({ name: "strategy", label: "Strategy", type: "select", options: STRATEGIES, value: "balanced" });
  const validation = field({ name: "options.validation_type", label: "Validation", type: "select", options: VALIDATIONS, value: "full" });
  const review = field({ name: "options.auto_approve_above", label: "You review", type: "select", options: REVIEW, value: "0.95" });
  const description = field({ name: "description", label: "Description", type: "textarea", maximum: 2000, wide: true });

  async function create() {
    const policy = existing.value === undefined ? {} : { [`target.options.${existing.value}`]: true };
    const made = await post(
      "/migrations",
      body({
        name: name.value,
        description: description.value,
        ...source.members(),
        ...target.members(),
        "source.tables": listed(tables.value),
        "source.exclude_tables": listed(excluded.value),
        "target.schema": schema.value,
        ...policy,
        strategy: strategy.value,
        "options.validation_type": validation.value,
        "options.auto_approve_above": review.value === "none" ? null : Number(review.value),
      }),
      { signal },
    );
    toast("The migration is made. Its plan comes first.");
    location.hash = `#/migrations/${encodeURIComponent(made.id)}/plan`;
  }

  fill(
    root,
    h("a", { class: "back", href: "#/migrations" }, icon("back"), "Migrations"),
    h("div", { class: "page-head" }, h("div", {}, h("h1", { tabindex: -1 }, "New migration"), h("p", { class: "soft" }, "First a plan is made. Nothing is written before you start it."))),
    form({
      label: "New migration",
      fields: [name, ...source.fields, ...target.fields, tables, excluded, schema, existing, strategy, validation, review, description],
      children: [
        name.element,
        h("div", { class: "ends-of-request" }, source.element, target.element),
        group("How", strategy.element, validation.element, review.element, existing.element),
        h("details", {}, h("summary", {}, "Tables, schema, description"), h("div", { class: "group" }, tables.element, excluded.element, schema.element, description.element)),
      ],
      action: "Make the plan",
      back: "#/migrations",
      work: create,
    }),
  );
}

/** One end: a stored connection, or an address given here. */
class End {
  constructor(side, title, example, connections) {
    this.side = side;
    const fitting = connections.filter(({ role }) => role === side || role === "both");
    const options = [...fitting.map((one) => [one.id, `${one.name} (${words(one.type)})`]), [OTHER, "Another database, by its address"]];
    this.connection = field({ name: `${side}.connection_id`, label: "Connection", type: "select", options, value: fitting[0]?.id ?? OTHER, wide: true });
    this.address = field({ name: `${side}.connection_string`, label: "Address", needed: true, wide: true, placeholder: example, hint: "sqlite, postgresql or mysql. A password in it is kept encrypted." });
    this.connection.input.addEventListener("change", () => this.#choose());
    this.fields = [this.connection, this.address];
    this.element = group(title, this.connection.element, this.address.element);
    this.#choose();
  }

  #choose() {
    this.address.element.hidden = this.connection.value !== undefined;
  }

  /** The members of the request. */
  members() {
    const { side } = this;
    if (this.connection.value !== undefined) return { [`${side}.connection_id`]: this.connection.value };
    const text = this.address.value;
    const type = SCHEMES[/^([a-z]+)(?:\+[a-z0-9]+)?:/i.exec(text)?.[1].toLowerCase()];
    if (type === undefined) {
      const message = "An address begins with sqlite://, postgresql:// or mysql://.";
      throw Object.assign(new Error(message), { details: { errors: [{ field: `${side}.connection_string`, message }] } });
    }
    return { [`${side}.type`]: type, [`${side}.connection_string`]: text };
  }
}

function listed(text) {
  const names = (text ?? "").split(",").map((one) => one.trim()).filter((one) => one !== "");
  return names.length > 0 ? names : undefined;
}
