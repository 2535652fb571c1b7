// The shell: who is signed in, which view is shown.

import { ConnectionError, get, keepKey, storedKey, whenRefused } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { problem } from "./widgets.js";
import { signInView } from "./views/signin.js";

const VIEWS = {
  migrations: { text: "Migrations", load: () => import("./views/migrations.js"), one: () => import("./views/migration.js"), make: () => import("./views/migration_new.js") },
  validations: { text: "Validations", load: () => import("./views/validations.js"), one: () => import("./views/validation.js") },
  connections: { text: "Connections", load: () => import("./views/connections.js"), make: () => import("./views/connection_new.js") },
  webhooks: { text: "Webhooks", load: () => import("./views/webhooks.js"), one: () => import("./views/webhook.js") },
};
const THEMES = ["auto", "light", "dark"];

const app = document.getElementById("app");
let current = new AbortController();
let main = null;

/** `#/migrations/mig_1/plan` → ["migrations", "mig_1", "plan"] */
function place() {
  try {
    const parts = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
    return VIEWS[parts[0]] && Object.hasOwn(VIEWS, parts[0]) ? parts : ["migrations"];
  } catch {
    return ["migrations"];
  }
}

async function show() {
  current.abort();
  current = new AbortController();
  const { signal } = current;
  if (storedKey() === null) return showSignIn();
  if (main === null) buildShell();
  const [name, id, ...rest] = place();
  for (const link of document.querySelectorAll(".nav a")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const view = h("div", { class: "view" });
  fill(main, view);
  document.title = `${VIEWS[name].text} · Sensei`;
  try {
    const { load: list, one = list, make = one } = VIEWS[name];
    const load = id === "new" ? make : id ? one : list;
    const { render } = await load().catch(() => Promise.reject(new PartMissingError()));
    if (!signal.aborted) await render(view, { id, rest, signal });
  } catch (error) {
    if (!signal.aborted) fill(view, problem(error, error instanceof PartMissingError ? revive : show));
  }
  if (!signal.aborted && document.activeElement === document.body) view.querySelector("h1")?.focus();
  return undefined;
}

/** A part of this page could not be loaded. */
class PartMissingError extends ConnectionError {}

/** Show the place again once the server answers; anew as a whole, as a browser may not ask twice for a part of the page. */
async function revive() {
  if (await isThere()) location.reload();
  else await show();
}

async function isThere() {
  try {
    return (await fetch("/healthz", { cache: "no-store", credentials: "omit" })).ok;
  } catch {
    return false;
  }
}

function buildShell() {
  main = h("main", { id: "main", class: "main" });
  const links = Object.entries(VIEWS).map(([name, { text }]) => h("a", { href: `#/${name}`, data: { view: name } }, text));
  fill(
    app,
    h("a", { class: "skip", href: "#main", onclick: skip }, "Skip to the content"),
    h(
      "header",
      { class: "top" },
      h("a", { class: "brand", href: "#/migrations" }, h("img", { src: "/dashboard/icon.svg", alt: "", width: 28, height: 28 }), "Sensei"),
      h("nav", { class: "nav", "aria-label": "Main" }, links),
      h("div", { class: "tools" }, environment(), themeButton(), h("button", { class: "quiet", type: "button", onclick: () => signOut() }, icon("leave"), h("span", {}, "Sign out"))),
    ),
    main,
  );
}

function environment() {
  const sandbox = storedKey()?.startsWith("sk_test_");
  return sandbox ? h("span", { class: "pill idle", title: "Your key is for the sandbox" }, "Sandbox") : null;
}

function skip(event) {
  event.preventDefault();
  const heading = main.querySelector("h1");
  heading?.focus();
}

function showSignIn(message) {
  main = null;
  document.title = "Sign in · Sensei";
  fill(app, signInView({ message, themeButton: themeButton(), onKey: signIn }));
  app.querySelector("input")?.focus();
}

async function signIn(key) {
  // Any answer but a refusal of the key itself will do: a key may lack this scope and have others.
  try {
    await get("/migrations", { query: { limit: 1 }, key });
  } catch (error) {
    if (error.status !== 403) throw error;
  }
  keepKey(key);
  await show();
}

function signOut(message) {
  keepKey(null);
  current.abort();
  showSignIn(message);
}

function themeButton() {
  const name = () => THEMES.find((theme) => theme === localStorage.getItem("sensei.theme")) ?? "auto";
  const text = h("span", {}, name());
  const label = () => `Colors: ${name()}`;
  const button = h(
    "button",
    {
      class: "quiet",
      type: "button",
      "aria-label": label(),
      title: "Colors: as the system, light or dark",
      data: { themeButton: "" },
      onclick: () => {
        const next = THEMES[(THEMES.indexOf(name()) + 1) % THEMES.length];
        localStorage.setItem("sensei.theme", next);
        text.textContent = next;
        button.setAttribute("aria-label", label());
        applyTheme();
      },
    },
    icon("theme"),
    text,
  );
  return button;
}

function applyTheme() {
  document.documentElement.dataset.theme = localStorage.getItem("sensei.theme") ?? "auto";
}

applyTheme();
whenRefused(() => signOut("The server no longer takes this key. Sign in again."));
addEventListener("hashchange", show);
show();
