// What the page is built of: elements, and numbers as people read them.

const SVG = "http://www.w3.org/2000/svg";

export const at = (id) => document.getElementById(id);

/** An element: its tag, its attributes (null for none of them), what is in it. */
export function make(tag, attributes, ...content) {
  const element = document.createElement(tag);
  return fill(element, attributes, content);
}

/** The same for drawings. */
export function draw(tag, attributes, ...content) {
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
export function become(element, wanted) {
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
export function time(seconds) {
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

export const count = (n) => n.toLocaleString("en");
export const percent = (share) => `${Math.floor(100 * share)} %`;

/** A number of bytes for people. */
export function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = n < 1 ? 0 : Math.min(Math.floor(Math.log2(n) / 10), units.length - 1);
  const scaled = n / 1024 ** power;
  return `${scaled.toFixed(power > 0 && scaled < 100 ? 1 : 0)} ${units[power]}`;
}
