// The log of a migration, live.

import { get } from "../api.js";
import { fill, h } from "../dom.js";
import { clock, counted, words } from "../format.js";
import { tone } from "../states.js";
import { follow } from "../stream.js";
import { choices, problem } from "../widgets.js";

const LEVELS = [
  ["debug", "Debug"],
  ["info", "Info"],
  ["warning", "Warnings"],
  ["error", "Errors"],
];
const PAGE = 100;
const MOST = 5000;

/** Show the log of `live.path`. */
export async function render(root, { live, signal }) {
  let level = "info";
  let connection = new AbortController();
  signal.addEventListener("abort", () => connection.abort(), { once: true });
  const lines = h("ol", { class: "log", tabindex: 0, "aria-label": "Log entries" });
  const older = h("button", { type: "button", class: "more", hidden: true, onclick: showOlder }, "Show earlier entries");
  const note = h("p", { class: "soft log-note", role: "status" });
  let shown = [];

  fill(
    root,
    h(
      "div",
      { class: "toolbar" },
      choices("Least level", LEVELS, level, (value) => {
        level = value;
        begin();
      }),
      note,
    ),
    h("div", { class: "panel flush log-panel" }, older, lines),
  );

  async function begin() {
    connection.abort();
    connection = new AbortController();
    const mine = connection.signal;
    fill(lines);
    fill(note, "Loading…");
    shown = [];
    older.hidden = true;
    try {
      // The stream begins with the newest; whether there are others, it does not say.
      older.hidden = (await count(mine)) <= PAGE;
      await follow(`${live.path}/logs`, {
        query: { follow: true, level, limit: PAGE },
        signal: mine,
        onEvent: ({ name, data }) => name === "log" && add(data),
        onState: (state) => fill(note, { live: "Live", waiting: "Connecting…", ended: counted(shown.length, "entry", "entries") }[state]),
      });
    } catch (error) {
      if (!mine.aborted) fill(note, problem(error, begin));
    }
  }

  async function count(mine) {
    return (await get(`${live.path}/logs`, { query: { level, limit: 1 }, signal: mine })).pagination.total;
  }

  function add(entry) {
    const atEnd = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 40;
    shown.push(entry);
    lines.append(line(entry));
    if (shown.length > MOST) {
      shown.shift();
      lines.firstChild.remove();
      older.hidden = false;
    }
    // Who reads further up is left there.
    if (atEnd) lines.scrollTop = lines.scrollHeight;
  }

  async function showOlder() {
    const mine = connection.signal;
    older.disabled = true;
    try {
      const end = (await count(mine)) - shown.length;
      const from = Math.max(0, end - PAGE);
      const page = await get(`${live.path}/logs`, { query: { level, limit: PAGE, offset: from }, signal: mine });
      // What was logged meanwhile moves the end, so that the page may reach into what is shown.
      const news = page.data.slice(0, page.data.length - overlap(page.data, shown));
      const height = lines.scrollHeight;
      shown.unshift(...news);
      lines.prepend(...news.map(line));
      lines.scrollTop += lines.scrollHeight - height;
      older.hidden = from === 0;
    } catch (error) {
      if (!mine.aborted) fill(note, problem(error));
    } finally {
      older.disabled = false;
    }
  }

  begin();
}

/** How many entries at the end of one list are those at the beginning of the other. */
function overlap(before, after) {
  for (let size = Math.min(before.length, after.length); size > 0; size -= 1) {
    if (before.slice(-size).every((entry, position) => JSON.stringify(entry) === JSON.stringify(after[position]))) return size;
  }
  return 0;
}

function line(entry) {
  return h(
    "li",
    { class: tone(entry.level), data: { level: entry.level } },
    h("time", { datetime: entry.timestamp, title: entry.timestamp }, clock(entry.timestamp)),
    h("span", { class: "level" }, entry.level),
    h("span", { class: "message" }, entry.table ? [h("b", {}, entry.table), " "] : null, entry.message),
    h("span", { class: "soft phase-of" }, entry.phase ? words(entry.phase) : ""),
  );
}
