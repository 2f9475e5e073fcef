// The text of a rule, with its lines counted, and each fault marked at the line where it stands.

import { h, replace } from "../html.js";

/** The editor of a draft: { element, show(format) }; the format is "yaml" or "json". */
export function textEditor(draft) {
  const gutter = h("div", { class: "gutter", "aria-hidden": "true" });
  const area = h("textarea", {
    class: "code", spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off", rows: 20, "aria-label": "The rule as text", "aria-describedby": "rule-faults",
    oninput: () => { draft.write(area.value, writing); number(); },
    onscroll: () => { gutter.scrollTop = area.scrollTop; },
    onkeydown: (event) => indent(event),
  });
  const element = h("div", { class: "code-editor" }, gutter, area);
  let writing = "yaml";

  function number() {
    const lines = area.value.split("\n").length;
    const faulty = new Set(draft.faults.map(({ line }) => line));
    replace(gutter, Array.from({ length: lines }, (_, place) => h("span", { class: faulty.has(place + 1) ? "faulty" : null }, String(place + 1))));
    area.setAttribute("aria-invalid", String(faulty.size > 0));
    gutter.scrollTop = area.scrollTop;
  }

  function indent(event) {
    // Tab leaves the editor, as everywhere; two spaces come with Ctrl-].
    if (event.key !== "]" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    area.setRangeText("  ", area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input"));
  }

  draft.on((what) => what === "read" && number());
  return {
    element,
    show(format) {
      writing = format;
      area.value = format === "json" ? JSON.stringify(draft.document ?? {}, null, 2) : draft.yaml;
      number();
    },
    /** Put the cursor where a fault stands. */
    goTo({ line, column }) {
      const before = area.value.split("\n").slice(0, line - 1).join("\n");
      const place = before.length + (line > 1 ? 1 : 0) + column - 1;
      area.focus();
      area.setSelectionRange(place, place);
    },
  };
}
