// Severities and states as small labels: a shape and a word, and never the colour alone.

import { h } from "./html.js";
import { icon } from "./icon.js";

export const SEVERITIES = ["critical", "warning", "info"];

/** The severity of a rule, anomaly or alert. */
export function severity(name) {
  const known = SEVERITIES.includes(name) ? name : "info";
  return h("span", { class: `badge ${known}` }, icon(known), name);
}

/** A state: `tone` is ok, warning, critical, info or quiet. */
export function badge(text, tone = "quiet") {
  return h("span", { class: `badge ${tone}` }, icon({ quiet: "unknown" }[tone] ?? tone), text);
}
