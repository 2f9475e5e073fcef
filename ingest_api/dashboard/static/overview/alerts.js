// Alerts that somebody should look at: the worst first.

import { get } from "../api.js";
import { SEVERITIES, severity } from "../badge.js";
import { groupText } from "../group.js";
import { h } from "../html.js";
import { counted } from "../number.js";
import { panel } from "../panel.js";
import { link } from "../router.js";
import { ago } from "../time.js";

const MOST = 50;
const SHOWN = 8;

/** The panel of unresolved alerts. */
export function alertsPanel(chosen, signal) {
  const shown = panel({
    title: "Unresolved alerts",
    className: "area-alerts flush",
    load: ({ signal }) => get("alerts", { state: "unresolved", limit: MOST }, { signal }),
    empty: ({ data }) => (data.length ? null : "Nothing is alerting."),
    render({ data, pagination }) {
      const worst = [...data].sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || Date.parse(b.last_at) - Date.parse(a.last_at));
      return [
        h("ul", { class: "list" }, worst.slice(0, SHOWN).map(row)),
        (data.length > SHOWN || pagination.next) && h("a", { class: "list-more", href: link("/alerts", { state: "unresolved" }) },
          pagination.next ? "All of them" : `All ${data.length}`),
      ];
    },
    live: ["alert"],
    every: 15,
    signal,
  });
  return shown;
}

function row(alert) {
  return h("li", null, h("a", { class: "list-row", href: link(`/alerts/${alert.alert_id}`) },
    severity(alert.severity),
    h("span", { class: "list-main" }, h("b", null, alert.rule_name), h("span", { class: "soft" }, [groupText(alert.group), alert.message].filter(Boolean).join(" · "))),
    h("span", { class: "list-side" }, alert.state === "acknowledged" ? "acknowledged" : ago(alert.last_at), h("span", { class: "soft" }, counted(alert.anomaly_count, "anomaly", "anomalies")))));
}
