// Write a rule: as a form, as YAML, or as JSON, all three of one draft, with its faults below.

import { choice } from "../field.js";
import { h, replace } from "../html.js";
import { keep, kept } from "../kept.js";
import { form } from "./form.js";
import { textEditor } from "./text_editor.js";

const VIEWS = [["form", "Form"], ["yaml", "YAML"], ["json", "JSON"]];

/** The editor of a draft. */
export function editor(draft) {
  const fields = form(draft);
  const text = textEditor(draft);
  const place = h("div");
  const said = h("div", { class: "faults", id: "rule-faults", role: "status", "aria-live": "polite" });
  let view = kept("editor", "form");

  function show(chosen) {
    view = chosen;
    keep("editor", chosen);
    if (chosen === "form") {
      fields.show();
      replace(place, fields.element);
    } else {
      replace(place, text.element);
      text.show(chosen);
    }
    showFaults();
  }

  function showFaults() {
    const { faults, reading } = draft;
    const shown = faults.map((fault) => h("li", null, view === "form"
      ? [h("b", null, fault.path.join(".") || "The rule"), ` ${fault.message}`]
      : [h("button", { type: "button", class: "fault-place", onclick: () => text.goTo(fault) }, `Line ${fault.line}, column ${fault.column}`), ` ${fault.message}`]));
    if (shown.length) replace(said, h("ul", null, shown));
    else replace(said, h("p", { class: "fine" }, reading ? "Reading …" : draft.valid ? "It can be read." : "Give it a name, and say what it looks for."));
  }

  let typing = false;
  draft.on((what) => {
    if (what !== "read") typing = what === "text";
    // What somebody is typing stays; a text that the API has written takes the place of an older one.
    else if (!typing && view !== "form") text.show(view);
    showFaults();
  });
  const views = choice("How to write it", VIEWS, view, show).element;
  show(view);
  return { element: h("div", { class: "editor" }, place, said), views, show: () => show(view) };
}
