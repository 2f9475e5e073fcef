// What counts as an error: an SQL condition that each reader can change, in the language of the rules.

import { ApiError, get } from "./api.js";
import { dialog } from "./dialog.js";
import { field } from "./field.js";
import { h } from "./html.js";
import { keep, kept } from "./kept.js";

const USUAL = "event_type LIKE '%error%' OR event_type LIKE '%fail%' OR payload.status >= 500";

/** The condition that holds in this browser. */
export function errorsPredicate() {
  return kept("errors", USUAL);
}

/** Ask for another condition; `changed` is called when there is one. */
export function askForErrors(signal, changed) {
  const condition = field("An event is an error where", h("textarea", { rows: 3, spellcheck: "false", value: errorsPredicate() }), {
    hint: "An SQL condition as in rules. This browser remembers it.",
  });
  async function save(event) {
    event.preventDefault();
    const text = condition.control.value.trim() || USUAL;
    try {
      await get("events", { where: text, limit: 1 });
      keep("errors", text === USUAL ? null : text);
      shown.close();
      changed();
    } catch (fault) {
      condition.fail(fault instanceof ApiError ? fault.message : String(fault));
    }
  }
  const shown = dialog("What counts as an error", h("form", { onsubmit: save }, condition.element,
    h("div", { class: "buttons" },
      h("button", { type: "button", class: "button", onclick: () => { condition.control.value = USUAL; } }, "As it was"),
      h("button", { type: "submit", class: "button primary" }, "Use this"))), { signal });
}
