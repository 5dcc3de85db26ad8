// Draws what /status.json and /history.json say. What comes from there becomes text, never markup.

import { CHARTS, chart } from "/charts.js";
import { at, become, bytes, count, make, percent, time } from "/elements.js";

const EVERY = 1000;         // milliseconds between two looks at the state
const HISTORY_EVERY = 10;   // looks at the state for one at the history
const PATIENCE = 5000;      // milliseconds that an answer may take
const QUIET = 30;           // seconds without progress that are worth a word

let ended = "all";          // which ended jobs are shown
let copied = null;          // the id that was copied just now

/** A job's id: what tells it from others, and a button that copies all of it. */
const short = (id) => make("span", { class: "id" },
  make("code", { title: id }, `…${id.slice(-8)}`),
  make("button", { type: "button", "data-copy": id, "aria-label": `Copy ${id}` }, id === copied ? "copied" : "copy"));

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
  return make("div", null, make("dt", null, name), make("dd", null, `${value} `, make("small", null, more)));
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
      make("p", null, make("span", null, make("b", { class: "phase" }, said(leg(job), job.stage || "begins")), ` for ${time(job.stage_seconds)}`),
        make("span", null, percent(job.progress))),
      job.quiet_seconds >= QUIET ? make("p", { class: "note" }, `No progress for ${time(job.quiet_seconds)}`) : [],
      make("p", { class: "quiet" }, make("span", null, "job ", short(job.id)), make("span", null, size(job))),
    ],
  );
}

const said = (...parts) => parts.filter(Boolean).join(", ");
/** Which of its two proofs a job that wraps works on. */
const leg = (job) => (job.leg ? `proof ${job.leg} of 2` : "");
const size = (job) => (job.layout ? `${job.layout}, ${count(job.n_steps)} steps` : "");
const tenant = (job) => job.tenant || "–";

/** A table of jobs: its columns as [name, class], and what of a job is in them. On a phone each row has the names. */
function table(id, head, jobs, cells, none) {
  const name = ([text, look]) => make("th", { class: look ?? null }, text);
  const rows = jobs.map((job) => make("tr", { "data-job": job.id }, cells(job).map((value, i) => {
    const [text, look] = head[i];
    return make("td", { class: look ?? null, "data-name": text }, make("div", null, value));
  })));
  const body = rows.length ? rows : [make("tr", null, make("td", { colspan: head.length, class: "quiet" }, none))];
  become(at(id), [make("thead", null, make("tr", null, head.map(name))), make("tbody", null, body)]);
}

function stateCell(job) {
  return make("span", { class: job.state }, job.state);
}

/** Why a job or an attempt failed: [class, code, message]. */
function cause([kind, code, message]) {
  return [make("b", null, code), ` (${kind.replace("_", " ")})${message && ": "}${message}`];
}

function attempts(job) {
  return job.attempt_failures.length
    ? make("ol", { class: "causes" }, job.attempt_failures.map((why) => make("li", null, cause(why)))) : [];
}

function deadlineCell(job) {
  if (job.deadline === null) return "–";
  const is_late = job.left_seconds < 0;
  const day = new Date(1000 * job.deadline);
  return make("time", { datetime: day.toISOString(), title: day.toLocaleString(), class: is_late ? "failed" : null },
    `${time(Math.abs(job.left_seconds))} ${is_late ? "late" : "left"}`);
}

const ACTIVE = [["Job"], ["State"], ["Phase"], ["Size"], ["Tenant", "clip"], ["Failed attempts", "wide"],
  ["Deadline", "number"], ["Age", "number"]];

function phaseCell(job) {
  if (job.waits_for) return make("span", { title: job.waits_for }, "waits for the next day");
  return said(leg(job), job.stage, job.stage && percent(job.progress));
}

const activeCells = (job) => [
  short(job.id), stateCell(job), phaseCell(job), size(job), tenant(job),
  [count(job.failed_attempts), attempts(job)], deadlineCell(job), time(job.age_seconds),
];

const ENDED = [["Job"], ["State"], ["Why", "wide"], ["Size"], ["Tenant", "clip"], ["Deadline", "number"],
  ["Took", "number"], ["Ended", "number"]];

const endedCells = (job) => [
  short(job.id), stateCell(job), [job.failure ? cause(job.failure) : [], attempts(job)].flat(), size(job), tenant(job),
  deadlineCell(job), time(job.age_seconds), `${time(job.ended_seconds)} ago`,
];

function showOverview(all) {
  showState(all.state, all.reasons);
  become(at("about"), [document.createTextNode(`version ${all.version}, up for ${time(all.uptime_seconds)}`)]);
  become(at("numbers"), [
    number("Waiting", count(all.waiting), `of ${count(all.most_waiting)}`),
    number("Oldest waits", all.waiting ? time(all.oldest_seconds) : "–", ""),
    number("Proving", count(all.proving), ""),
    number("Devices ready", count(all.devices.filter((one) => one.ready).length), `of ${count(all.devices.length)}`),
    number("Disk free", bytes(all.disk.free_bytes), `uploads leave ${bytes(all.disk.reserve_bytes)}`),
    number("Store", bytes(all.disk.store_bytes), ""),
    number("Files", bytes(all.disk.artifacts_bytes), ""),
  ]);
  become(at("devices"), all.devices.map(device));
  table("active", ACTIVE, all.active, activeCells, "Nothing is to be done.");
  const more = all.n_active - all.active.length;
  become(at("more"), more > 0 ? [document.createTextNode(`and ${count(more)} more`)] : []);
  table("ended", ENDED, all.ended, endedCells, "None.");
}

// ---- history

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
  const wanted = span;
  const answer = await ask(`/history.json?span=${wanted}`);
  // Another span may have been chosen meanwhile.
  if (wanted !== span) return;
  latest = answer;
  showHistory();
}

/** Lets one button of a group be pressed: those with this data attribute, which has the value that is chosen. */
function choice(name, choose) {
  const buttons = document.querySelectorAll(`button[data-${name}]`);
  for (const button of buttons) {
    button.onclick = () => {
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      choose(button.dataset[name]);
    };
  }
}

async function look() {
  const wanted = ended;
  const answer = await ask(`/status.json?ended=${wanted}`);
  if (wanted === ended) showOverview(answer);
}

choice("span", (chosen) => {
  span = chosen;
  lookBack().catch(() => {});
});
choice("ended", (chosen) => {
  ended = chosen;
  look().catch(() => {});
});
window.onresize = showHistory;

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Browsers have this clipboard only on this machine or with TLS. Elsewhere a selection is copied.
  const field = make("textarea", null);
  field.value = text;
  document.body.append(field);
  field.select();
  const is_done = document.execCommand("copy");
  field.remove();
  if (!is_done) throw new Error("the browser does not copy");
}

document.onclick = async ({ target }) => {
  const button = target.closest("button[data-copy]");
  if (!button) return;
  const id = button.dataset.copy;
  await copy(id);
  copied = id;
  button.textContent = "copied";
  setTimeout(() => { if (copied === id) copied = null; }, 2 * EVERY);
};

let lastSeen = null;
for (let n = 0; ; n += 1) {
  try {
    await look();
    if (n % HISTORY_EVERY === 0) await lookBack();
    lastSeen = Date.now();
  } catch (error) {
    const since = lastSeen ? `What is below is ${time((Date.now() - lastSeen) / 1000)} old.` : "Nothing was heard of it yet.";
    showState("unreachable", [`The service does not answer. ${since}`]);
    n = -1;
  }
  await new Promise((resolve) => setTimeout(resolve, EVERY));
}
