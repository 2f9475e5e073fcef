// Keys: "g" and a letter goes to a page, "/" to the search, "?" lists them all. Never while somebody types.

import { h } from "./html.js";
import { dialog } from "./dialog.js";

const actions = new Map();
let waitingForLetter = false;

/** Do `act` on a key ("t") or a pair of keys ("g o"). Ends with `signal`. */
export function shortcut(keys, title, act, signal) {
  actions.set(keys, { title, act });
  signal?.addEventListener("abort", () => actions.get(keys)?.act === act && actions.delete(keys));
}

/** Show all keys that do something here. */
export function showShortcuts() {
  dialog("Keyboard shortcuts", h("dl", { class: "keys" },
    [...actions].map(([keys, { title }]) => [h("dt", null, keys.split(" ").map((key) => h("kbd", null, key))), h("dd", null, title)])));
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input:not([type=checkbox]), textarea, select, dialog")) return;
  const keys = waitingForLetter ? `g ${event.key}` : event.key;
  waitingForLetter = !waitingForLetter && event.key === "g";
  const found = actions.get(keys);
  if (found) {
    event.preventDefault();
    found.act();
  }
});
