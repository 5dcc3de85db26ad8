// Draws the charts of the history.

import { at, become, count, draw, make, time } from "/elements.js";

export const CHARTS = [
  { id: "chart-queue", kind: "line", unit: "", series: [["waiting", "waiting", "c0"], ["proving", "proving", "c1 dashed"]] },
  {
    id: "chart-ended", kind: "bar", unit: "",
    series: [["succeeded", "succeeded", "c2"], ["rejected", "rejected", "c3"], ["failed", "failed", "c4"],
      ["stopped", "cancelled or late", "c5"]],
  },
  { id: "chart-proofs", kind: "dots", unit: " s", series: [["p50", "half took at most", "c0"], ["p95", "95 of 100", "c1 dashed"]] },
];

/** A round number that is not less than both. */
function roundUp(most, least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, least)));
  return [1, 2, 4, 10].map((step) => step * power).find((step) => step >= Math.max(most, least));
}

const value = (n, unit) => (n === null ? "–" : unit ? n.toFixed(n < 10 ? 2 : 0) + unit : count(n));
const sum = (list) => list.reduce((all, n) => all + n, 0);

/** The line through what there is; where there is nothing it is broken, and what stands alone is a dot. */
function line(points) {
  const text = (point) => `${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
  return points.map((point, i) => {
    if (!point) return "";
    if (points[i - 1]) return `L${text(point)}`;
    return `M${text(point)}${points[i + 1] ? "" : "h.01"}`;
  }).join("");
}

/** Bars for groups of samples, counted from the newest, over what `base` says they stand on. */
function bars(list, base, group, x, y, wide) {
  const parts = [];
  for (let end = list.length, g = 0; end > 0; end -= group, g += 1) {
    const n = sum(list.slice(Math.max(end - group, 0), end));
    if (!n) continue;
    const from = y(base[g] ?? 0), to = y((base[g] = (base[g] ?? 0) + n));
    parts.push(`M${x(g).toFixed(1)} ${from.toFixed(1)}V${to.toFixed(1)}h${wide.toFixed(1)}V${from.toFixed(1)}Z`);
  }
  return parts.join("");
}

/** What is not told by its colour alone. */
function hatch(id, look) {
  const stripe = draw("rect", { width: 2, height: 4, fill: "currentColor" });
  const turned = { id, class: look, width: 4, height: 4, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" };
  return draw("pattern", turned, stripe);
}

const N_BARS = 60;
const MIN_SAMPLES = 12;     // what a chart shows of a young service: two minutes, or an hour

/** The group with values that is nearest to another. */
function nearest(g, nGroups, hasValue) {
  for (let off = 0; off < nGroups; off += 1) {
    const found = [g - off, g + off].find((at) => at >= 0 && at < nGroups && hasValue(at));
    if (found !== undefined) return found;
  }
  return g;
}

export function chart({ id, kind, unit, series }, history, hovered) {
  const figure = at(id);
  const width = Math.max(figure.clientWidth - 30, 120), height = 126, left = unit ? 46 : 34, bottom = 16, top = 8;
  const lists = series.map(([key]) => history[key]);
  const n = lists[0].length;
  // No longer than there was a service.
  const most = Math.min(history.most, Math.max(n, MIN_SAMPLES));
  const group = kind === "bar" ? Math.ceil(most / N_BARS) : 1;
  const nGroups = Math.ceil(n / group);
  // The samples of a group; the newest is group 0.
  const slice = (list, g) => list.slice(Math.max(n - (g + 1) * group, 0), n - g * group);
  const sums = Array.from({ length: nGroups }, (_, g) => sum(lists.map((list) => sum(slice(list, g)))));
  const largest = Math.max(0, ...(kind === "bar" ? sums : lists.flat()));
  const peak = roundUp(largest, unit && largest ? 0.01 : 1);
  const step = (width - left) / (most / group);
  // The newest is at the right edge.
  const x = (g) => width - (g + 0.5) * step;
  const y = (v) => top + (height - top - bottom) * (1 - v / peak);
  const parts = [draw("defs", null, hatch("hatch-c4", "c4"), hatch("hatch-c5", "c5"))];
  for (const v of peak === 1 && !unit ? [0, 1] : [0, peak / 2, peak]) {
    parts.push(draw("line", { class: "grid", x1: left, x2: width, y1: y(v), y2: y(v) }));
    parts.push(draw("text", { x: left - 5, y: y(v) + 4, "text-anchor": "end" }, Number(v.toPrecision(3)) + unit));
  }
  const past = time(most * history.every_seconds);
  parts.push(draw("text", { x: left, y: height - 2 }, `${past} ago`));
  parts.push(draw("text", { x: width, y: height - 2, "text-anchor": "end" }, "now"));
  const base = [];
  series.forEach(([key, , look], i) => {
    const points = lists[i].map((v, at) => (v === null ? null : [x(n - 1 - at), y(v)]));
    const dots = kind === "dots" ? points.filter(Boolean) : [];
    const d = kind === "bar" ? bars(lists[i], base, group, (g) => x(g) - step * 0.4, y, step * 0.8)
      : line(kind === "dots" ? dots : points);
    parts.push(draw("path", { class: `${kind} ${look}`, d, "data-series": key }));
    const dot = ([cx, cy]) => draw("circle", { class: look, cx: cx.toFixed(1), cy: cy.toFixed(1), r: 2.5 });
    parts.push(...dots.map(dot));
  });
  if (hovered !== null) parts.push(draw("line", { class: "now", x1: x(hovered), x2: x(hovered), y1: top, y2: height - bottom }));
  // Unless somebody points at a time: all of the bars, the latest of the lines.
  const last = (list) => list.findLast((v) => v !== null) ?? null;
  const all = (list) => (kind === "bar" ? sum(list) : last(list));
  const values = lists.map((list) => all(hovered === null ? list : slice(list, hovered)));
  const when = hovered === null ? (kind === "bar" ? `in ${past}:` : "latest:")
    : hovered === 0 ? "now:" : `${time(hovered * group * history.every_seconds)} ago:`;
  const legend = series.map(([, name, look], i) =>
    make("span", null, make("i", { class: look }), `${name}: ${value(values[i], unit)}`));
  const words = series.map(([, name], i) => `${name} ${value(values[i], unit)}`).join(", ");
  become(figure, [
    make("figcaption", null, figure.firstElementChild.textContent),
    draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${when} ${words}` }, parts),
    make("p", null, make("span", null, when), legend),
  ]);
  const again = (at) => chart({ id, kind, unit, series }, history, at);
  figure.onpointermove = (event) => {
    const box = figure.querySelector("svg").getBoundingClientRect();
    const g = Math.floor((box.right - event.clientX) / (box.width / width) / step);
    if (g < 0 || g >= nGroups) again(null);
    else again(kind === "dots" ? nearest(g, nGroups, (at) => lists.some((list) => last(slice(list, at)) !== null)) : g);
  };
  figure.onpointerleave = () => again(null);
}

