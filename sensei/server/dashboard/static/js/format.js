// Figures, times and words for people.

const WHOLE = new Intl.NumberFormat("en");
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const MOMENT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export const NOTHING = "–";

/** 58,273 */
export function count(number) {
  return number === null || number === undefined ? NOTHING : WHOLE.format(number);
}

/** 58.3K */
export function brief(number) {
  return number === null || number === undefined ? NOTHING : SHORT.format(number);
}

/** "1 row", "2 rows" */
export function counted(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** 5.4 s, 2 min 5 s, 3 h 12 min */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NOTHING;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** 24 Nov, 08:25; of earlier years the day alone. */
export function moment(text) {
  const date = dateOf(text);
  if (date === null) return NOTHING;
  return date.getFullYear() === new Date().getFullYear() ? MOMENT.format(date) : DAY.format(date);
}

/** 24 Nov 2026 */
export function day(text) {
  const date = dateOf(text);
  return date === null ? NOTHING : DAY.format(date);
}

/** 08:25:07 */
export function clock(text) {
  const date = dateOf(text);
  return date === null ? NOTHING : CLOCK.format(date);
}

/** 5 minutes ago */
export function ago(text) {
  const date = dateOf(text);
  if (date === null) return NOTHING;
  const seconds = (date.getTime() - Date.now()) / 1000;
  const size = Math.abs(seconds);
  if (size < 45) return "just now";
  if (size < 3600) return AGO.format(Math.round(seconds / 60), "minute");
  if (size < 86_400) return AGO.format(Math.round(seconds / 3600), "hour");
  return size < 30 * 86_400 ? AGO.format(Math.round(seconds / 86_400), "day") : DAY.format(date);
}

function dateOf(text) {
  if (typeof text !== "string") return null;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** 42.5% with as many digits as say something; never 100% before it is. */
export function percent(number) {
  if (number === null || number === undefined) return NOTHING;
  if (number >= 100) return "100%";
  return `${number < 10 ? Math.floor(number * 10) / 10 : Math.floor(number)}%`;
}

/** A share of 1 as three digits: 0.987, and 1 as 1.000. */
export function score(number) {
  return number === null || number === undefined ? NOTHING : number.toFixed(3);
}

/** schema.table.column without what is missing. */
export function dotted(...names) {
  return names.filter((name) => name !== null && name !== undefined && name !== "").join(".");
}

/** plan_ready → Plan ready; words of the contract that need more than that are named. */
export function words(code) {
  if (typeof code !== "string" || code === "") return NOTHING;
  const text = NAMED[code] ?? code.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const NAMED = {
  pending_review: "in review",
  schema_migration: "schema",
  data_transfer: "data",
  passed_with_warnings: "passed with warnings",
  identity: "as it is",
  type_conversion: "converted",
  type_widening: "wider type",
  encoding_normalize: "encoding made one",
  sqlite: "SQLite",
  postgresql: "PostgreSQL",
  mysql: "MySQL",
  oracle: "Oracle",
  sqlserver: "SQL Server",
  mongodb: "MongoDB",
  snowflake: "Snowflake",
  bigquery: "BigQuery",
  redshift: "Redshift",
};
