// Alerts: those that somebody should look at, and those that were. They come and go by themselves while one looks.

import { get } from "../api.js";
import { SEVERITIES, severity } from "../badge.js";
import { choiceOfAlerts } from "../alerts/chosen.js";
import { groupAsJson } from "../alerts/group_filter.js";
import { resolutionOf, stateOf } from "../alerts/state.js";
import { choice, field, select, whenRested } from "../field.js";
import { groupText } from "../group.js";
import { h } from "../html.js";
import { counted, whole } from "../number.js";
import { panel } from "../panel.js";
import { go, link } from "../router.js";
import { shortcut } from "../shortcuts.js";
import { orderOf, pages, table } from "../table.js";
import { ago, clock } from "../time.js";

const ROWS = 100;
const STATES = [["unresolved", "Unresolved"], ["open", "Open"], ["acknowledged", "Acknowledged"], ["resolved", "Resolved"], ["all", "All"]];
const OPENED = { "1 h": 1, "24 h": 24, "7 days": 168 };
const ORIGINS = ["live", "late", "backfill", "rerun", "import"];

/** The list. The address names what is asked: state, severity, rule, group, origin. */
export function open({ outlet, query, signal, setQuery }) {
  const walk = pages(() => shown.refresh());
  const change = (name, value) => {
    setQuery({ [name]: value });
    if (value) query.set(name, value);
    else query.delete(name);
    chosen.clear();
    walk.firstPage();
    shown.refresh();
  };
  const state = () => query.get("state") ?? "unresolved";
  const text = (name, label, placeholder) => field(label, h("input", {
    type: "search", value: query.get(name) ?? "", placeholder, spellcheck: "false", autocomplete: "off", oninput: whenRested((event) => change(name, event.target.value.trim()), 400),
  }), { className: "grow short" });
  const pick = (name, label, all, options) => field(label, select([["", all], ...options.map((one) => [one, one])], query.get(name) ?? "", (value) => change(name, value)));
  const rule = text("rule", "Rule", "Its name, or its id");
  const group = text("group", "Group", "ip=10.0.0.1");
  shortcut("/", "To the search", () => rule.control.focus(), signal);
  shortcut("j", "To the first alert; then j and k go down and up, x chooses, Enter opens", () => shown.element.querySelector("tbody tr[data-row]")?.focus(), signal);

  const asked = () => ({ state: state(), severity: query.get("severity"), rule_id: query.get("rule"), group: groupAsJson(query.get("group") ?? ""), origin: query.get("origin"), from: openedSince(query.get("opened")) });
  const chosen = choiceOfAlerts({ asked, signal, changed: () => shown.refresh() });
  const order = orderOf({ query, setQuery, changed: () => shown.refresh() });
  const columns = [{ title: "", unseen: "Chosen", className: "nowrap", cell: chosen.box }, ...COLUMNS];

  const shown = panel({
    title: "Alerts",
    className: "flush",
    actions: chosen.bar,
    async load({ signal }) {
      try {
        const answer = await get("alerts", { ...asked(), limit: ROWS, cursor: walk.cursor() }, { signal });
        group.fail("");
        return answer;
      } catch (fault) {
        if (fault.status !== 400) throw fault;
        group.fail(fault.message);
        return { data: [], pagination: { next: null } };
      }
    },
    render({ data, pagination }) {
      chosen.showOf(data, Boolean(pagination.next));
      walk.show(pagination);
      shown.setNote(`${order.value() ? (pagination.next || walk.cursor() ? "this page sorted" : "sorted") : "newest first"} · ${counted(data.length, "alert")}${pagination.next && !order.value() ? " on this page" : ""}`);
      if (data.length === 0) return [chosen.outcome, h("p", { class: "empty" }, nothing(query)), walk.element];
      return [chosen.outcome, table({ label: "Alerts", columns, rows: data, id: ({ alert_id: id }) => id, order, open: ({ alert_id: id }) => go(`/alerts/${id}`), mark: (alert) => (alert.state === "resolved" ? "over" : `tone-${alert.severity}`) }), walk.element];
    },
    live: ["alert"],
    every: 15,
    signal,
  });
  const states = choice("State", STATES, state(), (value) => change("state", value === "unresolved" ? null : value));
  outlet.append(
    h("div", { class: "page-head" }, h("h1", null, "Alerts"), states.element),
    h("form", { class: "bar", role: "search", onsubmit: (event) => event.preventDefault() },
      rule.element, group.element, pick("severity", "Severity", "All severities", SEVERITIES).element, pick("origin", "Origin", "All origins", ORIGINS).element,
      field("Opened", select([["", "At any time"], ...Object.keys(OPENED).map((span) => [span, `In the last ${span}`])], query.get("opened") ?? "", (value) => change("opened", value))).element),
    shown.element,
  );
}

const COLUMNS = [
  { title: "Severity", className: "nowrap", sort: ({ severity: name }) => -SEVERITIES.indexOf(name), cell: (alert) => severity(alert.severity) },
  { title: "State", className: "nowrap", sort: ({ state }) => -["open", "acknowledged", "resolved"].indexOf(state), cell: (alert) => [stateOf(alert), alert.mode === "shadow" && h("span", { class: "soft" }, " shadow")] },
  { title: "Alert", className: "wide", sort: (alert) => `${alert.rule_name} ${groupText(alert.group)}`, cell: (alert) => h("span", { class: "alert-words" },
    h("a", { class: "strong", href: link(`/alerts/${alert.alert_id}`) }, alert.rule_name), groupText(alert.group) && h("span", { class: "alert-group" }, groupText(alert.group)), h("span", { class: "soft" }, alert.message)) },
  { title: "Since", className: "nowrap", sort: (alert) => Date.parse(alert.opened_at), cell: (alert) => h("time", { datetime: alert.opened_at, title: `Event time ${clock(alert.opened_at, { day: "always" })}` }, ago(alert.opened_at)) },
  { title: "Last", className: "nowrap", sort: (alert) => Date.parse(alert.last_at), cell: (alert) => h("time", { datetime: alert.last_at, title: `Event time ${clock(alert.last_at, { day: "always" })}` }, ago(alert.last_at)) },
  { title: "Anomalies", className: "number", sort: (alert) => alert.anomaly_count, cell: (alert) => whole(alert.anomaly_count) },
  { title: "What became of it", className: "became", cell: (alert) => became(alert) },
];

/** The instant that lies a named span back, or null. */
function openedSince(span) {
  return OPENED[span] ? new Date(Date.now() - OPENED[span] * 3_600_000).toISOString() : null;
}

function became(alert) {
  if (alert.state === "acknowledged") return `${alert.acknowledged_by} looks after it`;
  if (alert.state !== "resolved") return "";
  return h("span", { class: "soft" }, alert.resolution === "person" ? `${alert.resolved_by} resolved it` : resolutionOf(alert));
}

function nothing(query) {
  const narrowed = ["severity", "rule", "group", "origin", "opened"].some((name) => query.get(name));
  if (narrowed) return "No alert is like this.";
  return { unresolved: "Nothing is alerting.", open: "No alert is open.", acknowledged: "No alert is acknowledged.", resolved: "No alert has been resolved yet." }[query.get("state") ?? "unresolved"]
    ?? "There has been no alert yet. A rule makes one when it fires.";
}
