// A sentence at the edge of the page about what was just done, read aloud by screen readers.

import { h } from "./html.js";

const SHOWN_MILLISECONDS = 6_000;
let place = null;

/** Say that something was done; `tone` "critical" for what went wrong. */
export function say(sentence, tone = "ok") {
  place ??= document.body.appendChild(h("div", { class: "toasts", role: "status", "aria-live": "polite" }));
  const toast = h("p", { class: `toast ${tone}` }, sentence);
  place.append(toast);
  setTimeout(() => toast.remove(), SHOWN_MILLISECONDS);
}
