// Alerts that somebody should look at, the worst first; below, what was resolved lately.

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

/** The panel of alerts. */
export function alertsPanel(chosen, signal) {
  return panel({
    title: "Alerts",
    className: "area-alerts flush",
    async load({ signal }) {
      const [unresolved, resolved] = await Promise.all([
        get("alerts", { state: "unresolved", limit: MOST }, { signal }),
        get("alerts", { state: "resolved", limit: SHOWN }, { signal }),
      ]);
      return { unresolved, resolved };
    },
    render({ unresolved, resolved }) {
      const worst = [...unresolved.data].sort((a, b) =>
        SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || Date.parse(b.last_at) - Date.parse(a.last_at));
      const more = unresolved.pagination.next || worst.length > SHOWN;
      const past = resolved.data.slice(0, Math.max(0, SHOWN - worst.length - 1));
      return [
        worst.length ? h("ul", { class: "list" }, worst.slice(0, SHOWN).map(row)) : h("p", { class: "all-well" }, "Nothing is alerting."),
        more && h("a", { class: "list-more", href: link("/alerts", { state: "unresolved" }) }, unresolved.pagination.next ? "All of them" : `All ${worst.length}`),
        past.length > 0 && [h("h3", { class: "list-head" }, "Resolved lately"), h("ul", { class: "list past" }, past.map(row))],
      ];
    },
    live: ["alert"],
    every: 15,
    signal,
  });
}

function row(alert) {
  const when = { open: () => ago(alert.last_at), acknowledged: () => "acknowledged", resolved: () => ago(alert.resolved_at) }[alert.state];
  return h("li", null, h("a", { class: "list-row", href: link(`/alerts/${alert.alert_id}`) },
    severity(alert.severity),
    h("span", { class: "list-main" }, h("b", null, alert.rule_name), h("span", { class: "soft" }, [groupText(alert.group), alert.message].filter(Boolean).join(" · "))),
    h("span", { class: "list-side" }, when(), h("span", { class: "soft" }, alert.resolution === "retracted" ? "retracted" : counted(alert.anomaly_count, "anomaly", "anomalies")))));
}
