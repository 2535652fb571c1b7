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
  const older = h("button", { type: "button", class: "more", onclick: showOlder });
  const note = h("p", { class: "soft log-note", role: "status" });
  let earlier = 0;

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
    older.hidden = true;
    try {
      // How many there are tells how many lie before those that the stream begins with.
      const { pagination } = await get(`${live.path}/logs`, { query: { level, limit: 1 }, signal: mine });
      earlier = Math.max(0, pagination.total - PAGE);
      showRest();
      fill(note, pagination.total === 0 ? "Nothing has been logged at this level." : "");
      await follow(`${live.path}/logs`, {
        query: { follow: true, level, limit: PAGE },
        signal: mine,
        onEvent: ({ name, data }) => name === "log" && add(data),
        onState: (state) => fill(note, { live: lines.childElementCount ? "Live" : "Live, nothing at this level yet", waiting: "Connecting…", ended: counted(earlier + lines.childElementCount, "entry", "entries") }[state]),
      });
    } catch (error) {
      if (!mine.aborted) fill(note, problem(error, begin));
    }
  }

  function add(entry) {
    const atEnd = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 40;
    lines.append(line(entry));
    if (lines.childElementCount > MOST) {
      lines.firstChild.remove();
      earlier += 1;
      showRest();
    }
    // Who reads further up is left there.
    if (atEnd) lines.scrollTop = lines.scrollHeight;
  }

  async function showOlder() {
    const from = Math.max(0, earlier - PAGE);
    older.disabled = true;
    try {
      const page = await get(`${live.path}/logs`, { query: { level, limit: earlier - from, offset: from }, signal: connection.signal });
      const height = lines.scrollHeight;
      lines.prepend(...page.data.map(line));
      lines.scrollTop += lines.scrollHeight - height;
      earlier = from;
      showRest();
    } catch (error) {
      if (error.name !== "AbortError") fill(note, problem(error));
    } finally {
      older.disabled = false;
    }
  }

  function showRest() {
    older.hidden = earlier === 0;
    fill(older, `Show earlier (${counted(earlier, "entry", "entries")})`);
  }

  begin();
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
