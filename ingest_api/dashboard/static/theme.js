// Light, dark, or as the system has it.

import { h } from "./html.js";
import { keep, kept } from "./kept.js";

const NEXT = { system: "light", light: "dark", dark: "system" };
const system = matchMedia("(prefers-color-scheme: dark)");
const whenChanged = new Set();
let probe = null;

/** "system", "light" or "dark". */
export function theme() {
  return kept("theme", "system");
}

/** Go to the next of the three. */
export function nextTheme() {
  const chosen = NEXT[theme()] ?? "system";
  keep("theme", chosen === "system" ? null : chosen);
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  tell();
}

/** Call `listener` when colours change. */
export function onTheme(listener, signal) {
  whenChanged.add(listener);
  signal?.addEventListener("abort", () => whenChanged.delete(listener));
}

/** The colour that a custom property of tokens.css has now: colour("--text"). */
export function colour(name) {
  if (!probe?.isConnected) probe = document.body.appendChild(h("i", { class: "probe", "aria-hidden": "true" }));
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

function tell() {
  for (const listener of whenChanged) listener();
}

system.addEventListener("change", tell);
