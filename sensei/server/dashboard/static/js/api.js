// The public API, as every client sees it. The key stays in this tab: sessionStorage, and the Authorization header.

const KEY = "sensei.key";
const RETRIES = 3;

/** What the server answered instead of success. */
export class ApiError extends Error {
  constructor(status, body, requestId) {
    const error = typeof body?.error === "object" && body.error !== null ? body.error : {};
    super(typeof error.message === "string" ? error.message : `The server answered ${status}.`);
    this.status = status;
    this.code = typeof error.code === "string" ? error.code : "";
    this.details = error.details ?? {};
    this.requestId = requestId;
  }
}

/** The server did not answer at all. */
export class ConnectionError extends Error {
  constructor() {
    super("The server does not answer.");
  }
}

/** The key of this tab, or null. */
export function storedKey() {
  return sessionStorage.getItem(KEY);
}

/** Keep the key until the tab is closed; null forgets it. */
export function keepKey(key) {
  if (key === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, key);
}

let onRefused = () => {};

/** Who is told when the server no longer takes the key. */
export function whenRefused(listener) {
  onRefused = listener;
}

/** One request; answers the response if its status is a success. Reads are repeated after 429 and 503. */
export async function send(method, path, { query, body, signal, headers = {}, key = storedKey() } = {}) {
  const url = new URL(`/v1${path}`, location.origin);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, String(value));
  }
  const given = { Accept: "application/json", ...headers };
  if (key !== null) given.Authorization = `Bearer ${key}`;
  if (body !== undefined) given["Content-Type"] = "application/json";
  if (method === "POST") given["X-Idempotency-Key"] = randomId();
  const init = { method, headers: given, signal, cache: "no-store", credentials: "omit", redirect: "error" };
  if (body !== undefined) init.body = JSON.stringify(body);
  for (let attempt = 1; ; attempt += 1) {
    const response = await reach(url, init);
    noteClock(response);
    if (response.ok) return response;
    const error = await failure(response);
    if (error.status === 401 && key === storedKey()) onRefused();
    const again = method === "GET" && (error.status === 429 || error.status === 503) && attempt < RETRIES;
    if (!again) throw error;
    await pause(1000 * waitOf(response, attempt), signal);
  }
}

let ahead = 0;

function noteClock(response) {
  const told = Date.parse(response.headers.get("Date") ?? "");
  if (!Number.isNaN(told)) ahead = told - Date.now();
}

/** What time it is for the server, to about a second. */
export function serverTime() {
  return new Date(Date.now() + ahead);
}

async function reach(url, init) {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ConnectionError();
  }
}

async function failure(response) {
  let body = null;
  try {
    body = await response.json();
  } catch {
    // A proxy's page or nothing at all: the status has to say it.
  }
  return new ApiError(response.status, body, response.headers.get("X-Request-Id"));
}

function waitOf(response, attempt) {
  const seconds = Number(response.headers.get("Retry-After"));
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 30) : attempt;
}

/** Wait; rejects when the signal is raised. */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new DOMException("stopped", "AbortError"));
    };
    if (signal?.aborted) return stop();
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
    return undefined;
  });
}

/** GET as JSON. */
export async function get(path, options) {
  return (await send("GET", path, options)).json();
}

/** POST; the answer as JSON. */
export async function post(path, body, options = {}) {
  return (await send("POST", path, { ...options, body })).json();
}

/** PATCH; the answer as JSON. */
export async function patch(path, body, options = {}) {
  return (await send("PATCH", path, { ...options, body })).json();
}

/** All items of a list, page after page, up to `most`; repeated ids are dropped. */
export async function all(path, { query = {}, most = 2000, signal } = {}) {
  const found = new Map();
  for (let offset = 0; offset < most; ) {
    const page = await get(path, { query: { ...query, limit: 100, offset }, signal });
    for (const item of page.data) found.set(item.id ?? `${offset}-${found.size}`, item);
    offset += page.data.length;
    if (page.data.length === 0 || page.pagination?.has_more !== true) break;
  }
  return [...found.values()];
}

/** Hand a file of the API to the browser, which has no other way to send the key. */
export async function download(path, query, name) {
  const content = await (await send("GET", path, { query, headers: { Accept: "*/*" } })).blob();
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function randomId() {
  // crypto.randomUUID exists only where the page is served securely.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
