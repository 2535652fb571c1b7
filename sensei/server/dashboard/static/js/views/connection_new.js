// Register a connection.

import { post } from "../api.js";
import { fill, h, icon, toast } from "../dom.js";
import { body, field, form, group } from "../forms.js";
import { choices } from "../widgets.js";

const TYPES = [
  ["sqlite", "SQLite"],
  ["postgresql", "PostgreSQL"],
  ["mysql", "MySQL, MariaDB"],
];
const ROLES = [
  ["source", "Source: it is read"],
  ["target", "Target: it is written"],
  ["both", "Both"],
];
const PORTS = { postgresql: "5432", mysql: "3306" };
const SSL = [
  ["", "As the server decides"],
  ["disable", "Never"],
  ["prefer", "If it is there"],
  ["require", "Always"],
  ["verify-ca", "Always, and check the authority"],
  ["verify-full", "Always, and check authority and name"],
];

/** Show the form. */
export async function render(root, { signal }) {
  let type = "sqlite";
  const name = field({ name: "name", label: "Name", needed: true, maximum: 255, placeholder: "Shop" });
  const role = field({ name: "role", label: "Used as", type: "select", options: ROLES, value: "source" });
  const file = {
    path: field({ name: "config.path", label: "File", needed: true, wide: true, placeholder: "/srv/data/shop.db", hint: "As the server sees it, not this browser." }),
    read_only: field({ name: "config.read_only", label: "Never write to it", type: "checkbox" }),
  };
  const network = {
    host: field({ name: "config.host", label: "Host", needed: true, placeholder: "db.example.com" }),
    port: field({ name: "config.port", label: "Port", type: "number" }),
    database: field({ name: "config.database", label: "Database" }),
    username: field({ name: "config.username", label: "User" }),
    password: field({ name: "config.password", label: "Password", type: "password", hint: "Kept encrypted, and never shown again." }),
  };
  const ssl = field({ name: "options.ssl_mode", label: "Encrypted on the way", type: "select", options: SSL });
  const forFile = group("Where it is", file.path.element, file.read_only.element);
  const forNetwork = group("Where it is", ...Object.values(network).map((one) => one.element), ssl.element);

  function choose(chosen) {
    type = chosen;
    forFile.hidden = type !== "sqlite";
    forNetwork.hidden = type === "sqlite";
    network.port.input.placeholder = PORTS[type] ?? "";
  }

  async function save() {
    const config = type === "sqlite" ? file : { ...network, ssl };
    const members = [name, role, ...Object.values(config)].map((one) => [one.name, one.value]);
    await post("/connections", body({ type, ...Object.fromEntries(members) }), { signal });
    toast("The connection is saved, and tested now.");
    location.hash = "#/connections";
  }

  choose(type);
  fill(
    root,
    h("a", { class: "back", href: "#/connections" }, icon("back"), "Connections"),
    h("div", { class: "page-head" }, h("div", {}, h("h1", { tabindex: -1 }, "New connection"), h("p", { class: "soft" }, "How a database is reached. Migrations then name it."))),
    form({
      label: "New connection",
      fields: [name, role, ...Object.values(file), ...Object.values(network), ssl],
      children: [h("div", { class: "kinds" }, choices("Type of database", TYPES, type, choose)), group("What it is", name.element, role.element), forFile, forNetwork],
      action: "Save and test",
      back: "#/connections",
      work: save,
    }),
    h("p", { class: "soft" }, "Other ways to reach a database, such as connection strings and tunnels, are open to the API and its Python client."),
  );
}
