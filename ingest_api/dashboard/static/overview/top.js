// Which types or sources make up the traffic of the range.

import { get } from "../api.js";
import { h } from "../html.js";
import { compact, percent, whole } from "../number.js";
import { panel } from "../panel.js";

const SHOWN = 10;

/** The panel of the most frequent types or sources. Choosing one filters the page. */
export function topPanel(chosen, signal) {
  return panel({
    title: "Top events",
    className: "area-top",
    async load({ signal }) {
      const by = chosen.by();
      return { by, counts: await get("metrics/series", { ...chosen.between(), bucket_seconds: 86_400, group_by: by, top: SHOWN, ...chosen.filters() }, { signal }) };
    },
    empty: ({ counts }) => (counts.series.length ? null : "No events in this range."),
    render({ by, counts }) {
      const all = counts.series.reduce((sum, { total }) => sum + total, counts.other.total);
      const most = Math.max(...counts.series.map(({ total }) => total));
      const name = by === "source" ? "source" : "type";
      return h("ol", { class: "top-list" }, counts.series.map(({ key, total }) =>
        h("li", null, h("button", { type: "button", class: "top-row", title: `${whole(total)} of ${whole(all)}. Show this ${name} alone`, onclick: () => chosen.change({ [name]: key }) },
          h("span", { class: "top-key" }, key), h("span", { class: "top-count" }, compact(total)), h("span", { class: "top-share soft" }, percent(total, all)),
          h("span", { class: "top-bar", style: { width: `${(100 * total) / most}%` } })))));
    },
    live: ["batch"],
    gap: 5000,
    every: 10,
    signal,
  });
}
