// What stood out last, in the range of the page.

import { get } from "../api.js";
import { severity } from "../badge.js";
import { showEvent } from "../event_detail.js";
import { groupText } from "../group.js";
import { h } from "../html.js";
import { panel } from "../panel.js";
import { link } from "../router.js";
import { clock } from "../time.js";

const SHOWN = 30;

/** The panel of the newest anomalies. */
export function anomaliesPanel(chosen, signal) {
  return panel({
    title: "Anomalies",
    className: "area-anomalies flush",
    load: ({ signal }) => get("anomalies", { ...chosen.between(), limit: SHOWN }, { signal }),
    empty: ({ data }) => (data.length ? null : "No anomaly in this range."),
    render: ({ data }) => h("ul", { class: "list scrolls", tabindex: "0", role: "list", "aria-label": "Newest anomalies" }, byTime(data).map((anomaly) => row(anomaly, signal))),
    live: ["anomaly"],
    every: 15,
    signal,
  });
}

function byTime(anomalies) {
  return [...anomalies].sort((a, b) => Date.parse(b.occurred_at) - Date.parse(a.occurred_at));
}

function row(anomaly, signal) {
  const inside = [
    severity(anomaly.severity),
    h("span", { class: "list-main" }, h("b", null, anomaly.rule_name ?? "a rule that is gone"), h("span", { class: "soft" }, [groupText(anomaly.group), anomaly.message].filter(Boolean).join(" · "))),
    h("span", { class: "list-side" }, h("time", { datetime: anomaly.occurred_at, title: "Event time" }, clock(anomaly.occurred_at))),
  ];
  return h("li", null, anomaly.alert_id
    ? h("a", { class: "list-row", href: link(`/alerts/${anomaly.alert_id}`) }, inside)
    : h("button", { type: "button", class: "list-row", onclick: () => showEvent(anomaly.event_id, signal) }, inside));
}
