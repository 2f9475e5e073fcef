// The overview: is everything well, how much comes in, what stands out.

import { h } from "../html.js";
import { rangeChoice, rangeOf } from "../range.js";
import { ratePanel } from "../overview/rate.js";

/** Show the overview. Its choices live in the address: range, from, to, by, type, source. */
export function open({ outlet, query, signal, setQuery }) {
  const chosen = {
    query,
    change(changes) {
      setQuery(changes);
      for (const [name, value] of Object.entries(changes)) {
        if (value === null || value === "") query.delete(name);
        else query.set(name, value);
      }
      for (const panel of panels) panel.refresh();
    },
    range: () => rangeOf(query),
  };
  const panels = [ratePanel(chosen, signal)];
  outlet.append(
    h("div", { class: "page-head" }, h("h1", null, "Overview"), rangeChoice(query, chosen.change)),
    h("div", { class: "grid" }, panels.map(({ element }) => element)),
  );
}
