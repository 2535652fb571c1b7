// Event streams, read with fetch: EventSource cannot send Authorization.

import { ApiError, pause, send } from "./api.js";

const SILENCE = 45_000;
const LONGEST_WAIT = 30_000;

/**
 * Follow a stream until its `end`, across cuts: each connection goes on after the last event that was seen.
 *
 * `onEvent({id, name, data})` gets every event once. `onState` gets "live", "waiting" or "ended".
 * While the tab is hidden the connection is given up: browsers allow a server only six at a time, in all tabs together.
 * Rejects with ApiError when the server refuses; raise `signal` to stop.
 */
export async function follow(path, { query, signal, onEvent, onState = () => {} }) {
  let last = null;
  let hint = 3000;
  let failures = 0;
  while (!signal.aborted) {
    await shown(signal);
    const connection = new AbortController();
    const stop = () => connection.abort();
    const hide = () => document.hidden && connection.abort();
    signal.addEventListener("abort", stop, { once: true });
    document.addEventListener("visibilitychange", hide);
    try {
      const headers = { Accept: "text/event-stream", ...(last === null ? {} : { "Last-Event-ID": last }) };
      const response = await send("GET", path, { query, headers, signal: connection.signal });
      onState("live");
      for await (const event of read(response.body, connection)) {
        if (event.retry !== undefined) hint = event.retry;
        if (event.name === undefined) continue;
        failures = 0;
        last = event.id ?? last;
        onEvent(event);
        if (event.name === "end") {
          onState("ended");
          return;
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status < 500 && error.status !== 429) throw error;
    } finally {
      connection.abort();
      signal.removeEventListener("abort", stop);
      document.removeEventListener("visibilitychange", hide);
    }
    if (document.hidden) continue;
    onState("waiting");
    const wait = Math.min(hint * 2 ** failures, LONGEST_WAIT);
    failures += 1;
    await pause(wait * (0.75 + Math.random() / 2), signal).catch(() => {});
  }
}

function shown(signal) {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const check = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", check);
      signal.removeEventListener("abort", check);
      resolve();
    };
    document.addEventListener("visibilitychange", check);
    signal.addEventListener("abort", check);
  });
}

async function* read(body, connection) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let silence = setTimeout(() => connection.abort(), SILENCE);
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(silence);
      silence = setTimeout(() => connection.abort(), SILENCE);
      const { events, left } = parse(rest + value);
      rest = left;
      yield* events;
    }
  } finally {
    clearTimeout(silence);
  }
}

/** The whole events of a text, and what is left of it. A block that was cut is left, never half an event. */
export function parse(text) {
  const blocks = text.split(/\r?\n\r?\n/);
  const left = blocks.pop();
  return { events: blocks.map(parseBlock).filter((event) => event !== null), left };
}

function parseBlock(block) {
  const event = {};
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (field === "id") event.id = value;
    else if (field === "event") event.name = value;
    else if (field === "data") data.push(value);
    else if (field === "retry" && /^\d+$/.test(value)) event.retry = Number(value);
  }
  if (data.length > 0) event.data = JSON.parse(data.join("\n"));
  else delete event.name;
  return Object.keys(event).length > 0 ? event : null;
}
