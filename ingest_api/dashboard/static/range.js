// Stretches of event time that a page looks at: "the last hour", or from one instant to another.

import { choice } from "./field.js";
import { h, replace } from "./html.js";
import { icon } from "./icon.js";
import { clock } from "./time.js";

/** Name, length in seconds, and how long a bar of a chart over it is. */
const RANGES = [
  ["15m", 900, 60],
  ["1h", 3600, 60],
  ["6h", 21_600, 180],
  ["24h", 86_400, 600],
  ["7d", 604_800, 3600],
];

/** The stretch that an address asks for: { name, from, to, live, bucketSeconds }. It ends now unless it says where. */
export function rangeOf(query, otherwise = "1h") {
  const from = Date.parse(query.get("from"));
  const to = Date.parse(query.get("to"));
  if (from < to) return { name: null, from: new Date(from), to: new Date(to), live: false, bucketSeconds: bucketFor((to - from) / 1000) };
  const [name, length, bucketSeconds] = RANGES.find(([each]) => each === query.get("range")) ?? RANGES.find(([each]) => each === otherwise);
  const now = Date.now();
  return { name, from: new Date(now - length * 1000), to: new Date(now), live: true, bucketSeconds };
}

/** Buttons to choose one: { element, show }. `changed` hears what belongs into the address; `show` follows `query`. */
export function rangeChoice(query, changed, otherwise = "1h") {
  const pick = (name) => changed({ range: name === otherwise ? null : name, from: null, to: null });
  const buttons = choice("Range of event time", RANGES.map(([name]) => [name, name]), null, pick);
  const fixed = h("span", { class: "range-fixed" });
  function show() {
    const { name, from, to, live } = rangeOf(query, otherwise);
    buttons.choose(name);
    fixed.hidden = live;
    replace(fixed, `${clock(from)} – ${clock(to)}`,
      h("button", { type: "button", class: "icon-button", title: "Back to now", "aria-label": "Back to now", onclick: () => pick(otherwise) }, icon("close")));
  }
  show();
  return { element: h("div", { class: "range" }, fixed, buttons.element), show };
}

function bucketFor(seconds) {
  const wanted = seconds / 150;
  return [60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400].find((each) => each >= wanted) ?? 86_400;
}
