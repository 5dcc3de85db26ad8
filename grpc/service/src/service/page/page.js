// Draws what /status.json and /history.json say. What comes from there becomes text, never markup.

const EVERY = 1000;         // milliseconds between two looks at the state
const HISTORY_EVERY = 10;   // looks at the state for one at the history
const PATIENCE = 5000;      // milliseconds that an answer may take
const SVG = "http://www.w3.org/2000/svg";

const at = (id) => document.getElementById(id);

/** An element: its tag, its attributes (null for none of them), what is in it. */
function make(tag, attributes, ...content) {
  const element = document.createElement(tag);
  return fill(element, attributes, content);
}

/** The same for drawings. */
function draw(tag, attributes, ...content) {
  const element = document.createElementNS(SVG, tag);
  return fill(element, attributes, content);
}

function fill(element, attributes, content) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null) element.setAttribute(name, value);
  }
  element.append(...content.flat().map((part) => (part instanceof Node ? part : String(part))));
  return element;
}

/** Makes an element's content what it should be, and touches nothing else: selections and the focus stay. */
function become(element, wanted) {
  wanted.forEach((next, i) => {
    const now = element.childNodes[i];
    if (!now) element.append(next);
    else if (now.nodeType === Node.TEXT_NODE && next.nodeType === Node.TEXT_NODE) {
      if (now.nodeValue !== next.nodeValue) now.nodeValue = next.nodeValue;
    } else if (now.nodeName !== next.nodeName) now.replaceWith(next);
    else {
      for (const { name } of [...now.attributes]) if (!next.hasAttribute(name)) now.removeAttribute(name);
      for (const { name, value } of next.attributes) {
        if (now.getAttribute(name) !== value) now.setAttribute(name, value);
      }
      become(now, [...next.childNodes]);
    }
  });
  while (element.childNodes.length > wanted.length) element.lastChild.remove();
}

/** A time for people: two units at most. */
function time(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const s = Math.round(seconds);
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = units.findIndex(([size]) => s >= size);
  const [size, unit] = units[first];
  const rest = Math.floor((s % size) / (units[first + 1]?.[0] ?? 1));
  const minor = first < 3 && rest > 0 ? ` ${rest} ${units[first + 1][1]}` : "";
  return `${Math.floor(s / size)} ${unit}${minor}`;
}

const count = (n) => n.toLocaleString("en");
const percent = (share) => `${Math.floor(100 * share)} %`;
const short = (id) => make("code", { title: id }, id);

// ---- state

const NAMES = { ready: "Ready", "not ready": "Not ready", draining: "Draining", unreachable: "Unreachable" };

function showState(state, reasons) {
  document.body.dataset.state = state;
  const name = at("state");
  name.dataset.state = state;
  name.textContent = NAMES[state] ?? state;
  document.title = state === "ready" ? "Quarry" : `${NAMES[state] ?? state} – Quarry`;
  become(at("reasons"), reasons.map((reason) => make("li", null, reason)));
}

function number(name, value, more) {
  return make("div", null, make("dt", null, name), make("dd", null, value, make("small", null, more)));
}

function device(one) {
  const { job } = one;
  const state = !one.ready ? "not ready" : job ? "proves" : "idle";
  return make(
    "article",
    { class: "device", "data-device": one.name },
    make("p", null, make("b", null, one.name), make("span", { class: job ? "running" : "quiet" }, state)),
    make("p", { class: "quiet" }, one.description || "–", make("span", null, `started ${count(one.starts)} ×`)),
    one.note ? make("p", { class: "note" }, one.note) : [],
    !job ? [] : [
      make("progress", { value: job.progress, max: 1, "aria-label": "Progress" }),
      make("p", null, make("span", null, make("b", { class: "phase" }, job.stage || "begins"), ` for ${time(job.stage_seconds)}`),
        make("span", null, percent(job.progress))),
      make("p", { class: "quiet" }, make("span", null, "job ", short(job.id)), make("span", null, size(job))),
    ],
  );
}

const size = (job) => (job.layout ? `${job.layout}, ${count(job.n_steps)} steps` : "");
const tenant = (job) => job.tenant || "–";

function row(kind, cells) {
  return make("tr", null, cells.map(([value, name]) => make(kind, { class: name ?? null }, value)));
}

function stateCell(job) {
  return make("span", { class: job.state }, job.state);
}

function table(id, head, rows, none) {
  const body = rows.length ? rows : [make("tr", null, make("td", { colspan: head.length, class: "quiet" }, none))];
  become(at(id), [make("thead", null, row("th", head)), make("tbody", null, body)]);
}

function activeRow(job) {
  const stage = job.stage ? `${job.stage}, ${percent(job.progress)}` : "";
  return row("td", [
    [short(job.id)], [stateCell(job)], [stage], [size(job)], [tenant(job), "clip"],
    [count(job.failed_attempts), "number"], [time(job.age_seconds), "number"],
  ]);
}

function endedRow(job) {
  const [kind, code, message] = job.failure ?? ["", "", ""];
  const why = kind ? [make("b", null, code), ` (${kind.replace("_", " ")})${message && ": "}${message}`] : "";
  return row("td", [
    [short(job.id)], [stateCell(job)], [why, "wide"], [size(job)], [tenant(job), "clip"],
    [time(job.age_seconds), "number"], [`${time(job.ended_seconds)} ago`, "number"],
  ]);
}

function showOverview(all) {
  showState(all.state, all.reasons);
  become(at("about"), [document.createTextNode(`version ${all.version}, up for ${time(all.uptime_seconds)}`)]);
  become(at("numbers"), [
    number("Waiting", count(all.waiting), ` of ${count(all.most_waiting)}`),
    number("Oldest waits", all.waiting ? time(all.oldest_seconds) : "–", ""),
    number("Proving", count(all.proving), ""),
    number("Devices ready", count(all.devices.filter((one) => one.ready).length), ` of ${count(all.devices.length)}`),
  ]);
  become(at("devices"), all.devices.map(device));
  table("active",
    [["Job"], ["State"], ["Phase"], ["Size"], ["Tenant"], ["Failed attempts", "number"], ["Age", "number"]],
    all.active.map(activeRow), "Nothing is to be done.");
  const more = all.n_active - all.active.length;
  if (more > 0) at("active").tBodies[0].append(row("td", [[`and ${count(more)} more`, "quiet"]]));
  table("ended",
    [["Job"], ["State"], ["Why"], ["Size"], ["Tenant"], ["Took", "number"], ["Ended", "number"]],
    all.ended.map(endedRow), "None yet.");
}

// ---- history

const CHARTS = [
  { id: "chart-queue", kind: "line", unit: "", series: [["waiting", "waiting", "c0"], ["proving", "proving", "c1 dashed"]] },
  {
    id: "chart-ended", kind: "bar", unit: "",
    series: [["succeeded", "succeeded", "c2"], ["rejected", "rejected", "c3"], ["failed", "failed", "c4"],
      ["stopped", "cancelled or late", "c5"]],
  },
  { id: "chart-proofs", kind: "line", unit: " s", series: [["p50", "half took at most", "c0"], ["p95", "95 of 100", "c1 dashed"]] },
];

/** A round number that is not less. */
function roundUp(most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
  return [1, 2, 4, 10].map((step) => step * power).find((step) => step >= most);
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

function chart({ id, kind, unit, series }, history, hovered) {
  const figure = at(id);
  const width = Math.max(figure.clientWidth - 30, 120), height = 126, left = 34, bottom = 16, top = 8;
  const lists = series.map(([key]) => history[key]);
  const n = lists[0].length;
  const group = kind === "bar" ? Math.ceil(history.most / N_BARS) : 1;
  const nGroups = Math.ceil(n / group);
  // The samples of a group; the newest is group 0.
  const slice = (list, g) => list.slice(Math.max(n - (g + 1) * group, 0), n - g * group);
  const sums = Array.from({ length: nGroups }, (_, g) => sum(lists.map((list) => sum(slice(list, g)))));
  const peak = roundUp(Math.max(0, ...(kind === "bar" ? sums : lists.flat())));
  const step = (width - left) / (history.most / group);
  // The newest is at the right edge.
  const x = (g) => width - (g + 0.5) * step;
  const y = (v) => top + (height - top - bottom) * (1 - v / peak);
  const parts = [draw("defs", null, hatch("hatch-c4", "c4"), hatch("hatch-c5", "c5"))];
  for (const v of peak === 1 && !unit ? [0, 1] : [0, peak / 2, peak]) {
    parts.push(draw("line", { class: "grid", x1: left, x2: width, y1: y(v), y2: y(v) }));
    parts.push(draw("text", { x: left - 5, y: y(v) + 4, "text-anchor": "end" }, String(v)));
  }
  const past = time(history.most * history.every_seconds);
  parts.push(draw("text", { x: left, y: height - 2 }, `${past} ago`));
  parts.push(draw("text", { x: width, y: height - 2, "text-anchor": "end" }, "now"));
  const base = [];
  series.forEach(([key, , look], i) => {
    const d = kind === "bar"
      ? bars(lists[i], base, group, (g) => x(g) - step * 0.4, y, step * 0.8)
      : line(lists[i].map((v, at) => (v === null ? null : [x(n - 1 - at), y(v)])));
    parts.push(draw("path", { class: `${kind} ${look}`, d, "data-series": key }));
  });
  if (hovered !== null) parts.push(draw("line", { class: "now", x1: x(hovered), x2: x(hovered), y1: top, y2: height - bottom }));
  // Unless somebody points at a time: all of the bars, the latest of the lines.
  const last = (list) => list.findLast((v) => v !== null) ?? null;
  const all = (list) => (kind === "bar" ? sum(list) : last(list));
  const values = lists.map((list) => all(hovered === null ? list : slice(list, hovered)));
  const when = hovered === null ? { bar: `in ${past}:`, line: "latest:" }[kind]
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
    again(g >= 0 && g < nGroups ? g : null);
  };
  figure.onpointerleave = () => again(null);
}

let span = "hour";
let latest = null;

function showHistory() {
  if (latest) CHARTS.forEach((one) => chart(one, latest, null));
}

// ---- the loop

async function ask(path) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function lookBack() {
  latest = await ask(`/history.json?span=${span}`);
  showHistory();
}

for (const button of document.querySelectorAll("button[data-span]")) {
  button.onclick = () => {
    span = button.dataset.span;
    for (const other of document.querySelectorAll("button[data-span]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    lookBack().catch(() => {});
  };
}
window.onresize = showHistory;

let lastSeen = null;
for (let look = 0; ; look += 1) {
  try {
    showOverview(await ask("/status.json"));
    if (look % HISTORY_EVERY === 0) await lookBack();
    lastSeen = Date.now();
  } catch (error) {
    const since = lastSeen ? `What is below is ${time((Date.now() - lastSeen) / 1000)} old.` : "Nothing was heard of it yet.";
    showState("unreachable", [`The service does not answer. ${since}`]);
    look = -1;
  }
  await new Promise((resolve) => setTimeout(resolve, EVERY));
}
