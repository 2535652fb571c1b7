// Pictures as SVG.

import { h, s } from "./dom.js";
import { count } from "./format.js";

/** A ring that is filled as far as `share` (0 to 1) says. */
export function ring(share, tone, text, label) {
  const radius = 52;
  const length = 2 * Math.PI * radius;
  const filled = length * Math.max(0, Math.min(1, share ?? 0));
  return s(
    "svg",
    { class: `ring ${tone}`, viewBox: "0 0 128 128", role: "img", "aria-label": `${label}: ${text}` },
    s("circle", { class: "track", cx: 64, cy: 64, r: radius }),
    s("circle", { class: "arc", cx: 64, cy: 64, r: radius, transform: "rotate(-90 64 64)", "stroke-dasharray": `${filled} ${length - filled}` }),
    s("text", { x: 64, y: 66 }, text),
    s("text", { class: "small", x: 64, y: 84 }, label),
  );
}

/** A line over time of `[milliseconds, value]` points, with the area under it. */
export function sparkline(points, label) {
  const [width, height, edge] = [320, 64, 3];
  const svg = s("svg", { class: "sparkline", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label });
  if (points.length < 2) return svg;
  const [first, last] = [points[0][0], points.at(-1)[0]];
  const most = Math.max(...points.map(([, value]) => value), 1);
  const place = ([time, value]) => {
    const x = last === first ? width : ((time - first) / (last - first)) * width;
    return `${x.toFixed(1)} ${(height - edge - (value / most) * (height - 2 * edge)).toFixed(1)}`;
  };
  const line = points.map(place).join("L");
  svg.append(
    s("path", { class: "area", d: `M0 ${height}L${line}L${width} ${height}Z` }),
    s("path", { class: "line", d: `M${line}`, "vector-effect": "non-scaling-stroke" }),
  );
  return svg;
}

const WIDEST = 22;

/** One column on both sides: the source upwards, the target downwards, so that a faithful copy is its mirror. */
export function distribution(profile) {
  const [width, half] = [320, 52];
  const source = bars(profile.source);
  const target = bars(profile.target);
  const labels = (source.length > 0 ? source : target).map(([label]) => label);
  if (labels.length === 0) return h("p", { class: "soft" }, "Nothing to draw.");
  const most = Math.max(...source.concat(target).map(([, number]) => number), 1);
  const step = width / labels.length;
  const wide = Math.min(step * 0.85, WIDEST);
  const draw = (side, values) =>
    values.map(([label, number], position) => {
      const size = number ? Math.max(1, (half * number) / most) : 0;
      const y = side === "source" ? half - size : half + 2;
      const bar = { class: side, x: position * step + (step - wide) / 2, y, width: wide, height: size };
      return s("rect", bar, s("title", {}, `${side}: ${label}  ${count(number)}`));
    });
  const name = `${profile.table}.${profile.column}`;
  return h(
    "div",
    { class: "distribution" },
    s(
      "svg",
      { viewBox: `0 0 ${width} ${2 * half + 2}`, preserveAspectRatio: "none", role: "img", "aria-label": `Distribution of ${name}, source above and target below` },
      draw("source", source),
      draw("target", target),
      s("line", { x1: 0, x2: width, y1: half + 1, y2: half + 1 }),
    ),
    h("div", { class: "axis" }, h("span", {}, readable(labels[0])), labels.length > 1 ? h("span", {}, readable(labels.at(-1))) : null),
  );
}

/** "1.9e+04" → "19,000"; what is no such number stays as it is. */
function readable(label) {
  const number = Number(label);
  return /^-?\d(\.\d+)?e[+-]\d+$/.test(label) && Math.abs(number) < 1e15 && Math.abs(number) >= 1 ? count(number) : label;
}

function bars(side) {
  return Array.isArray(side?.histogram) ? side.histogram.filter((bar) => Array.isArray(bar)).map(([label, number]) => [String(label), Number(number) || 0]) : [];
}
