// The overview: is everything well, how much comes in, what stands out.

import { h } from "../html.js";
import { alertsPanel } from "../overview/alerts.js";
import { anomaliesPanel } from "../overview/anomalies.js";
import { feedPanel } from "../overview/feed.js";
import { filterFields } from "../overview/filters.js";
import { healthPanel } from "../overview/health.js";
import { nowPanel } from "../overview/now.js";
import { ratePanel } from "../overview/rate.js";
import { topPanel } from "../overview/top.js";
import { rangeChoice, rangeOf } from "../range.js";

/** Show the overview. Its choices live in the address: range, from, to, by, type, source, where. */
export function open({ outlet, query, signal, setQuery }) {
  const whenChanged = new Set();
  const chosen = {
    query,
    range: () => rangeOf(query),
    by: () => (query.get("by") === "source" ? "source" : "event_type"),
    filters: () => ({ event_type: query.get("type"), source: query.get("source") }),
    between() {
      const { from, to } = rangeOf(query);
      return { from: from.toISOString(), to: to.toISOString() };
    },
    change(changes) {
      setQuery(changes);
      for (const [name, value] of Object.entries(changes)) {
        if (value === null || value === "") query.delete(name);
        else query.set(name, value);
      }
      for (const tell of whenChanged) tell();
    },
    onChange: (tell) => whenChanged.add(tell),
  };
  const range = rangeChoice(query, chosen.change);
  chosen.onChange(range.show);
  const panels = [nowPanel, ratePanel, alertsPanel, anomaliesPanel, topPanel, healthPanel, feedPanel].map((make) => make(chosen, signal));
  for (const { refresh } of panels) chosen.onChange(refresh);
  outlet.append(
    h("div", { class: "page-head" }, h("h1", null, "Overview"), filterFields(chosen), range.element),
    h("div", { class: "overview" }, panels.map(({ element }) => element)),
  );
}
