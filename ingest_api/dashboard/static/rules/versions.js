// Every version of a rule, and what each one changed.

import { get, post } from "../api.js";
import { h, replace } from "../html.js";
import { panel } from "../panel.js";
import { ago, clock } from "../time.js";
import { difference } from "./difference.js";

const SHOWN = 50;

/** The panel of a rule's versions; `restore(document)` puts one of them into the draft. */
export function versionsPanel(ruleId, restore, signal) {
  let known = null;
  return panel({
    title: "Versions",
    className: "flush",
    load: ({ signal }) => get(`rules/${ruleId}/versions`, {}, { signal }),
    render(versions) {
      // Drawn again only when there is a new one, so that what is open stays open.
      if (known === versions.length) return undefined;
      known = versions.length;
      return h("ul", { class: "versions" }, versions.slice(0, SHOWN).map((version, place) => row(version, versions[place + 1], place === 0, restore, signal)));
    },
    every: 30,
    signal,
  });
}

function row(version, before, newest, restore, signal) {
  const content = h("div", { class: "version-change" });
  const meaning = before && (version.semantic_hash === before.semantic_hash ? "finds the same" : "finds other things");
  const details = h("details", { ontoggle: () => details.open && !content.hasChildNodes() && show() },
    h("summary", null, h("b", null, `Version ${version.version}`), h("time", { class: "soft", datetime: version.created_at, title: clock(version.created_at, { day: "always" }) }, ago(version.created_at)),
      h("span", { class: "soft" }, [newest && "now", meaning ?? "the first one"].filter(Boolean).join(" · "))), content);

  async function show() {
    try {
      const [now, then] = await Promise.all([version, before].map((each) => (each ? post("rules/text", { rule: each.rule }, { signal }) : null)));
      replace(content, difference(then?.yaml ?? "", now.yaml ?? ""),
        !newest && h("button", { type: "button", class: "button small", onclick: () => restore(version.rule) }, "Put this version into the editor"));
    } catch (fault) {
      if (!signal.aborted) replace(content, h("p", { class: "failed" }, fault.message));
    }
  }
  return h("li", null, details);
}
