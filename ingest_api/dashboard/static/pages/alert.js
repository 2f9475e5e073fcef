// One alert: what happened, to whom, since when, who was told; and what to do about it.

import { ApiError, get, post } from "../api.js";
import { severity } from "../badge.js";
import { coursePanel } from "../alerts/course.js";
import { possible, resolutionOf, stateOf } from "../alerts/state.js";
import { who } from "../alerts/who.js";
import { eventFacts } from "../event_detail.js";
import { field } from "../field.js";
import { groupText } from "../group.js";
import { h, replace, safeAddress } from "../html.js";
import { icon } from "../icon.js";
import { on } from "../live.js";
import { askForSilence } from "../notify/silence_form.js";
import { DELIVERY_COLUMNS } from "../notify/deliveries.js";
import { counted, trimmed, whole } from "../number.js";
import { panel, skeleton } from "../panel.js";
import { link } from "../router.js";
import { table } from "../table.js";
import { ago, clock, span } from "../time.js";
import { say } from "../toast.js";

const EVENTS_OPEN = 1;
const time = (instant) => h("time", { datetime: instant, title: ago(instant) }, clock(instant, { milliseconds: true, day: "always" }));

/** The page of an alert. It follows the alert live. */
export async function open({ outlet, params, signal }) {
  const head = h("div", { class: "page-head" }, h("h1", null, "Alert"));
  const place = h("div", { class: "panel padded" }, skeleton());
  outlet.append(head, place);
  let alert;
  const load = () => get(`alerts/${encodeURIComponent(params.id)}`, {}, { signal });
  try {
    alert = await load();
  } catch (fault) {
    if (!signal.aborted) replace(place, h("p", { class: "failed" }, fault.message));
    return;
  }
  if (signal.aborted) return;
  document.title = `${alert.rule_name} · EventPulse`;

  const known = () => alert;
  const about = panel({
    title: "Alert", className: "alert-about", every: 20, signal,
    async load() {
      alert = await load();
      return alert;
    },
    render: () => [facts(alert), alert.runbook && safeAddress(alert.runbook) && h("p", { class: "runbook" }, h("a", { href: alert.runbook, target: "_blank", rel: "noopener noreferrer" }, "Runbook", icon("link")))],
  });
  const doing = actions(known, signal, () => refresh());
  const course = coursePanel(known, signal);
  const part = (title, render, empty, className = "flush") => panel({ title, className, load: async () => alert, render: () => render(alert), empty: () => empty(alert), every: 3600, signal });
  const parts = [
    part("History", history, ({ history: rows }) => (rows.length ? null : "Nothing has been done about it yet."), ""),
    part("Events", (now) => events(now), ({ events: rows }) => (rows.length ? null : "The events have been removed by retention."), ""),
    part("Where it comes from", lineage, () => null, ""),
    part("Anomalies", anomalies, ({ anomalies: rows }) => (rows.length ? null : "No anomaly of it holds any more.")),
  ];
  const [past, events_, origin, found] = parts;
  const told = panel({
    title: "Who was told", className: "flush", every: 20, live: ["alert"], gap: 5000, signal,
    load: ({ signal }) => get("deliveries", { alert_id: alert.alert_id, limit: 50 }, { signal }),
    empty: ({ data }) => (data.length ? null : "Nobody. No channel takes this alert, or it is not due yet."),
    render: ({ data }) => table({ label: "Deliveries", columns: DELIVERY_COLUMNS.filter(({ title }) => title !== "Alerts"), rows: data }),
  });

  let due = null;
  async function refresh() {
    due = null;
    await about.refresh();
    if (signal.aborted) return;
    showHead();
    for (const one of parts) one.refresh();
    doing.show();
  }
  on("alert", ({ alert: changed }) => {
    if (changed?.alert_id === alert.alert_id) due ??= setTimeout(refresh, 300);
  }, signal);

  function showHead() {
    replace(head, h("nav", { class: "crumbs", "aria-label": "Back" }, h("a", { href: "#/alerts" }, "Alerts")),
      h("h1", { class: "titled" }, alert.rule_name, groupText(alert.group) && h("span", { class: "soft" }, ` · ${groupText(alert.group)}`)), severity(alert.severity), stateOf(alert));
  }

  showHead();
  replace(outlet, head, h("p", { class: "alert-message" }, alert.message), doing.element,
    h("div", { class: "alert-page" }, h("div", { class: "stack" }, course.element, events_.element, found.element, told.element),
      h("div", { class: "stack" }, about.element, past.element, origin.element)));
}

function actions(alert, signal, changed) {
  const doer = who();
  const note = field("Note", h("input", { maxlength: 1000, placeholder: "What you know, for those who come after", onkeydown: (event) => event.key === "Enter" && event.preventDefault() }), { className: "grow" });
  const buttons = h("div", { class: "buttons start" });
  const element = h("section", { class: "panel padded alert-actions", "aria-label": "What to do" }, doer.element, note.element, buttons);

  async function act(action, said) {
    for (const button of buttons.children) button.disabled = true;
    try {
      await post(`alerts/${alert().alert_id}/${action}`, { by: doer.name(), note: note.control.value.trim() || undefined });
      note.control.value = "";
      say(said);
    } catch (fault) {
      say(fault instanceof ApiError ? fault.message : String(fault), "critical");
    }
    await changed();
    show();
  }

  function show() {
    const now = alert();
    const [first, ...others] = possible(now);
    element.classList.toggle("over", possible(now).length === 0);
    doer.element.classList.toggle("quiet", possible(now).length === 0);
    note.element.hidden = possible(now).length === 0;
    replace(buttons, first && h("button", { type: "button", class: "button primary", onclick: () => act(first[0], first[2]) }, first[1]),
      others.map(([action, word, said]) => h("button", { type: "button", class: "button", onclick: () => act(action, said) }, word)),
      h("button", { type: "button", class: "button", onclick: () => askForSilence({ rule: [now.rule_name], ...(Object.keys(now.group ?? {}).length ? { group: asLists(now.group) } : {}) }, signal, changed) }, "Silence …"));
  }
  show();
  return { element, show };
}

function asLists(group) {
  return Object.fromEntries(Object.entries(group).map(([path, value]) => [path, [value]]));
}

function facts(alert) {
  const lasted = Date.parse(alert.ended_at ?? alert.last_at) - Date.parse(alert.opened_at);
  const rows = [
    ["Value", alert.value === null ? "–" : h("b", { class: "value" }, trimmed(alert.value))],
    ["Expected", alert.expected ?? (alert.threshold === null ? "–" : `threshold ${trimmed(alert.threshold)}`)],
    ["Group", groupText(alert.group) || "everything together"],
    ["Since", [time(alert.opened_at), h("span", { class: "soft" }, ` · ${ago(alert.opened_at)}`)]],
    ["Newest", time(alert.last_at)],
    ["Ended", alert.ended_at ? time(alert.ended_at) : "it still holds"],
    ["Lasted", lasted > 0 ? span(lasted) : "a moment"],
    ["Anomalies", whole(alert.anomaly_count)],
    alert.acknowledged_at && ["Acknowledged", [time(alert.acknowledged_at), alert.acknowledged_by && ` by ${alert.acknowledged_by}`]],
    alert.resolved_at && ["Resolved", [time(alert.resolved_at), ` · ${resolutionOf(alert)}`, alert.resolved_by && alert.resolved_by !== "eventpulse" && ` (${alert.resolved_by})`]],
    ...Object.entries(alert.labels ?? {}).map(([key, value]) => [key, value]),
  ].filter(Boolean);
  return h("dl", { class: "facts" }, rows.map(([name, value]) => [h("dt", null, name), h("dd", null, value)]));
}

function history({ history: rows }) {
  return h("ol", { class: "history" }, rows.map(({ at, what, by, note }) => h("li", null,
    h("b", null, what), by && by !== "eventpulse" && ` by ${by}`, h("time", { datetime: at, class: "soft", title: clock(at, { day: "always" }) }, ago(at)), note && h("p", null, note))));
}

function lineage(alert) {
  const run = alert.dagster_run_id;
  return h("dl", { class: "facts" },
    h("dt", null, "Rule"), h("dd", null, h("a", { href: link(`/rules/${alert.rule_id}`) }, alert.rule_name), ` version ${alert.rule_version}`),
    h("dt", null, "Mode"), h("dd", null, alert.mode === "shadow" ? "shadow: it notifies nobody" : "live"),
    h("dt", null, "Found by"), h("dd", null, { live: "live detection", late: "live detection, after a late event", backfill: "a backfill", rerun: "a rerun", import: "an import" }[alert.origin] ?? alert.origin),
    h("dt", null, "Micro-batch"), h("dd", null, h("a", { href: link("/batches", { batch: alert.batch_id }) }, String(alert.batch_id)), alert.batch?.committed_at && [" committed ", time(alert.batch.committed_at)]),
    h("dt", null, "Dagster run"), h("dd", null, run
      ? h("a", { href: alert.dagster_run_url ?? "", target: "_blank", rel: "noopener", class: "mono" }, run.slice(0, 8), h("span", { class: "only-read" }, " opens in a new tab"), icon("link")) : "–"),
    h("dt", null, "Alert"), h("dd", { class: "mono" }, alert.alert_id));
}

function events({ events: rows, anomalies: [newest] }) {
  return [
    newest && h("p", { class: "field-hint" }, newest.contributing_count > rows.length ? `${whole(rows.length)} of the ${counted(newest.contributing_count, "event")} that led to the newest anomaly.` : `The ${counted(rows.length, "event")} that led to the newest anomaly.`),
    rows.map((event, place) => h("details", { class: "event", open: place < EVENTS_OPEN },
      h("summary", null, h("time", { datetime: event.timestamp, class: "mono" }, clock(event.timestamp, { milliseconds: true })), h("b", null, event.event_type), h("span", { class: "soft" }, event.source)), eventFacts(event))),
  ];
}

function anomalies({ anomalies: rows, anomaly_count: count }) {
  return [
    table({
      label: "Anomalies",
      rows,
      columns: [
        { title: "Occurred", className: "nowrap", cell: ({ occurred_at: at }) => h("time", { datetime: at }, clock(at, { milliseconds: true })) },
        { title: "Value", className: "number", cell: ({ value }) => (value === null ? "–" : trimmed(value)) },
        { title: "Message", className: "wide", cell: ({ message }) => message },
        { title: "Events", className: "number", cell: ({ contributing_count: events }) => whole(events) },
        { title: "Found", className: "nowrap", cell: ({ detected_at: at, origin }) => [h("time", { datetime: at, title: clock(at, { day: "always" }) }, ago(at)), origin !== "live" && h("span", { class: "soft" }, ` ${origin}`)] },
      ],
    }),
    count > rows.length && h("p", { class: "empty" }, `The newest ${whole(rows.length)} of ${whole(count)}.`),
  ];
}
