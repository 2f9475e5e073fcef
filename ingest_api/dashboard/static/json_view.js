// JSON as it is read: indented, keys and values told apart. All of it is text.

import { ExactNumber } from "./api.js";
import { h } from "./html.js";

/** An element that shows a value. */
export function jsonView(value, label = "JSON") {
  const element = h("pre", { class: "json", tabindex: "0", role: "region", "aria-label": label });
  write(element, value, "");
  return element;
}

function write(into, value, indent) {
  if (value === null || typeof value !== "object" || value instanceof ExactNumber) {
    const text = value instanceof ExactNumber ? value.digits : JSON.stringify(value);
    into.append(h("span", { class: typeof value === "string" ? "json-text" : "json-value" }, text));
    return;
  }
  const list = Array.isArray(value);
  const entries = Object.entries(value);
  if (entries.length === 0) {
    into.append(list ? "[]" : "{}");
    return;
  }
  into.append(list ? "[\n" : "{\n");
  entries.forEach(([key, inner], place) => {
    into.append(`${indent}  `);
    if (!list) into.append(h("span", { class: "json-key" }, JSON.stringify(key)), ": ");
    write(into, inner, `${indent}  `);
    into.append(place < entries.length - 1 ? ",\n" : "\n");
  });
  into.append(`${indent}${list ? "]" : "}"}`);
}

/** A value in one line: key=value for the keys of an object. */
export function jsonLine(value) {
  return Object.entries(value ?? {}).map(([key, inner]) => `${key}=${typeof inner === "string" ? inner : JSON.stringify(inner)}`).join(" ").slice(0, 300);
}
