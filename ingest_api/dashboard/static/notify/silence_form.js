// Make a silence: which alerts, for how long, by whom and why; and what it would have hidden lately, before it is one.

import { ApiError, post } from "../api.js";
import { dialog } from "../dialog.js";
import { field, select } from "../field.js";
import { h, replace } from "../html.js";
import { keep, kept } from "../kept.js";
import { counted } from "../number.js";
import { say } from "../toast.js";
import { matcherFields } from "./matcher.js";

const HOUR = 3600_000;
const LENGTHS = [["1", "1 hour"], ["4", "4 hours"], ["8", "8 hours"], ["24", "1 day"], ["72", "3 days"], ["168", "1 week"]];

/** Ask for a silence that begins with this matcher; `made` is called once it is there. */
export function askForSilence(matcher, signal, made = () => {}) {
  const which = matcherFields(matcher);
  const length = field("For", select(LENGTHS, "4"));
  const owner = field("Who", h("input", { maxlength: 255, value: kept("name", ""), autocomplete: "name" }));
  const reason = field("Why", h("input", { required: true, maxlength: 1000, placeholder: "Planned work on the database" }), { className: "wide" });
  const shown = h("div", { class: "preview", role: "status", "aria-live": "polite" });
  const trouble = h("p", { class: "field-error", role: "alert" });

  async function preview() {
    try {
      const hidden = await post("silences/preview", { matcher: which.value() }, { signal });
      replace(shown, previewText(hidden));
      which.fail("");
    } catch (fault) {
      which.fail(fault.message);
    }
  }

  async function save(event) {
    event.preventDefault();
    replace(trouble);
    try {
      await post("silences", {
        matcher: which.value(), owner: owner.control.value.trim() || null, reason: reason.control.value.trim(),
        ends_at: new Date(Date.now() + Number(length.control.value) * HOUR).toISOString(),
      });
      keep("name", owner.control.value.trim() || null);
      opened.close();
      say("Silenced. Alerts still open and resolve; nobody is told.");
      made();
    } catch (fault) {
      if (!(fault instanceof ApiError || fault instanceof SyntaxError)) throw fault;
      replace(trouble, fault.message);
    }
  }

  const opened = dialog("Silence", h("form", { class: "stack", onsubmit: save }, which.element,
    h("div", { class: "fields" }, length.element, owner.element, reason.element), shown, trouble,
    h("div", { class: "buttons" }, h("button", { type: "button", class: "button", onclick: preview }, "What would it have hidden?"),
      h("button", { type: "submit", class: "button primary" }, "Silence"))), { signal });
}

/** What POST /silences/preview answers, in words. */
function previewText({ alerts, messages, by_rule: byRule }) {
  const rules = Object.entries(byRule).sort(([, one], [, other]) => other - one);
  return [
    h("p", null, alerts ? `In the last 24 hours it would have hidden ${counted(alerts, "alert")} and ${counted(messages, "message")}.` : "It would have hidden nothing in the last 24 hours."),
    rules.length > 0 && h("ul", null, rules.slice(0, 8).map(([name, count]) => h("li", null, `${name}: ${counted(count, "alert")}`))),
  ];
}
