// Alerts: those that somebody should look at, and those that were. They come and go by themselves while one looks.

import { get } from "../api.js";
import { SEVERITIES, severity } from "../badge.js";
import { eachAlert, sentence } from "../alerts/bulk.js";
import { groupAsJson } from "../alerts/group_filter.js";
import { resolutionOf, stateOf } from "../alerts/state.js";
import { who } from "../alerts/who.js";
import { choice, field, select, whenRested } from "../field.js";
import { groupText } from "../group.js";
import { h, replace } from "../html.js";
import { counted, whole } from "../number.js";
import { panel } from "../panel.js";
import { go, link } from "../router.js";
import { shortcut } from "../shortcuts.js";
import { pages, table } from "../table.js";
import { ago, clock } from "../time.js";
import { say } from "../toast.js";

const ROWS = 100;
const STATES = [["unresolved", "Unresolved"], ["open", "Open"], ["acknowledged", "Acknowledged"], ["resolved", "Resolved"], ["all", "All"]];
const ORIGINS = ["live", "late", "backfill", "rerun", "import"];

/** The list. The address names what is asked: state, severity, rule, group, origin. */
export function open({ outlet, query, signal, setQuery }) {
  const walk = pages(() => shown.refresh());
  const chosen = new Set();
  let onPage = [];
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
  }), { className: "grow" });
  const pick = (name, label, all, options) => field(label, select([["", all], ...options.map((one) => [one, one])], query.get(name) ?? "", (value) => change(name, value)));
  const rule = text("rule", "Rule", "Its name, or its id");
  const group = text("group", "Group", "ip=10.0.0.1");
  shortcut("/", "To the search", () => rule.control.focus(), signal);

  const doer = who();
  const every = h("input", { type: "checkbox", "aria-label": "Choose all on this page", onchange: () => chooseAll(every.checked) });
  const counter = h("span", { class: "soft" });
  const acknowledge = h("button", { type: "button", class: "button small primary", onclick: () => act("acknowledge", "acknowledged") }, "Acknowledge");
  const resolve = h("button", { type: "button", class: "button small", onclick: () => act("resolve", "resolved") }, "Resolve");
  const bulk = h("div", { class: "bulk" }, h("label", null, every, " All on this page"), counter, h("div", { class: "bulk-do" }, doer.element, acknowledge, resolve));

  function chooseAll(on) {
    for (const { alert_id: id } of onPage) {
      if (on) chosen.add(id);
      else chosen.delete(id);
    }
    for (const box of shown.element.querySelectorAll("input[data-id]")) box.checked = on;
    showChosen();
  }

  function showChosen() {
    replace(counter, chosen.size ? `${whole(chosen.size)} chosen` : "");
    acknowledge.disabled = resolve.disabled = chosen.size === 0;
    every.checked = onPage.length > 0 && onPage.every(({ alert_id: id }) => chosen.has(id));
    every.indeterminate = !every.checked && onPage.some(({ alert_id: id }) => chosen.has(id));
    doer.element.classList.toggle("quiet", chosen.size === 0);
  }

  async function act(action, what) {
    const ids = [...chosen];
    acknowledge.disabled = resolve.disabled = true;
    const result = await eachAlert(ids, action, { by: doer.name() }, (done) => replace(counter, `${whole(done)} of ${whole(ids.length)}`));
    say(sentence(result, what), result.done ? "ok" : "critical");
    chosen.clear();
    showChosen();
    shown.refresh();
  }

  const box = (alert) => h("input", {
    type: "checkbox", checked: chosen.has(alert.alert_id), "data-id": alert.alert_id, "aria-label": `Choose the alert of ${alert.rule_name} ${groupText(alert.group)}`,
    onclick: (event) => event.stopPropagation(),
    onchange: (event) => {
      if (event.target.checked) chosen.add(alert.alert_id);
      else chosen.delete(alert.alert_id);
      showChosen();
    },
  });
  const columns = [{ title: "", className: "nowrap", cell: box }, ...COLUMNS];

  const shown = panel({
    title: "Alerts",
    className: "flush",
    actions: bulk,
    async load({ signal }) {
      try {
        const asked = { state: state(), severity: query.get("severity"), rule_id: query.get("rule"), group: groupAsJson(query.get("group") ?? ""), origin: query.get("origin") };
        const answer = await get("alerts", { ...asked, limit: ROWS, cursor: walk.cursor() }, { signal });
        group.fail("");
        return answer;
      } catch (fault) {
        if (fault.status !== 400) throw fault;
        group.fail(fault.message);
        return { data: [], pagination: { next: null } };
      }
    },
    render({ data, pagination }) {
      const focused = document.activeElement?.dataset?.id;
      onPage = data;
      // What is not on show is not chosen either: nobody acknowledges what they cannot see.
      for (const id of [...chosen]) if (!data.some(({ alert_id: there }) => there === id)) chosen.delete(id);
      walk.show(pagination);
      shown.setNote(`newest first · ${pagination.next ? `${counted(data.length, "alert")} on this page` : counted(data.length, "alert")}`);
      bulk.hidden = data.length === 0 || state() === "resolved";
      showChosen();
      if (data.length === 0) return [h("p", { class: "empty" }, nothing(query)), walk.element];
      queueMicrotask(() => focused && shown.element.querySelector(`input[data-id="${CSS.escape(focused)}"]`)?.focus());
      return [table({ label: "Alerts", columns, rows: data, open: ({ alert_id: id }) => go(`/alerts/${id}`), mark: (alert) => (alert.state === "resolved" ? "over" : `tone-${alert.severity}`) }), walk.element];
    },
    live: ["alert"],
    every: 15,
    signal,
  });
  const states = choice("State", STATES, state(), (value) => change("state", value === "unresolved" ? null : value));
  outlet.append(
    h("div", { class: "page-head" }, h("h1", null, "Alerts"), states.element),
    h("form", { class: "bar", role: "search", onsubmit: (event) => event.preventDefault() },
      rule.element, group.element, pick("severity", "Severity", "All severities", SEVERITIES).element, pick("origin", "Origin", "All origins", ORIGINS).element),
    shown.element,
  );
}

const COLUMNS = [
  { title: "Severity", className: "nowrap", cell: (alert) => severity(alert.severity) },
  { title: "State", className: "nowrap", cell: (alert) => [stateOf(alert), alert.mode === "shadow" && h("span", { class: "soft" }, " shadow")] },
  { title: "Alert", className: "wide", cell: (alert) => h("span", { class: "alert-words" },
    h("a", { class: "strong", href: link(`/alerts/${alert.alert_id}`) }, alert.rule_name), groupText(alert.group) && h("span", { class: "alert-group" }, groupText(alert.group)), h("span", { class: "soft" }, alert.message)) },
  { title: "Since", className: "nowrap", cell: (alert) => h("time", { datetime: alert.opened_at, title: `Event time ${clock(alert.opened_at, { day: "always" })}` }, ago(alert.opened_at)) },
  { title: "Last", className: "nowrap", cell: (alert) => h("time", { datetime: alert.last_at, title: `Event time ${clock(alert.last_at, { day: "always" })}` }, ago(alert.last_at)) },
  { title: "Anomalies", className: "number", cell: (alert) => whole(alert.anomaly_count) },
  { title: "Who", cell: (alert) => (alert.state === "resolved" ? h("span", { class: "soft" }, resolutionOf(alert)) : alert.acknowledged_by ?? "") },
];

function nothing(query) {
  const narrowed = ["severity", "rule", "group", "origin"].some((name) => query.get(name));
  if (narrowed) return "No alert is like this.";
  return { unresolved: "Nothing is alerting.", open: "No alert is open.", acknowledged: "No alert is acknowledged.", resolved: "No alert has been resolved yet." }[query.get("state") ?? "unresolved"]
    ?? "There has been no alert yet. A rule makes one when it fires.";
}
