// All rules: how each is doing, when it fired, what went wrong. From here one makes a new one.

import { get } from "../api.js";
import { SEVERITIES, severity } from "../badge.js";
import { field, select, whenRested } from "../field.js";
import { h } from "../html.js";
import { counted, whole } from "../number.js";
import { panel } from "../panel.js";
import { go, link } from "../router.js";
import { firesByDay } from "../rules/fires.js";
import { meaning, rests, stateBadge, STATES } from "../rules/state.js";
import { shortcut } from "../shortcuts.js";
import { orderOf, table } from "../table.js";
import { ago, clock } from "../time.js";

const COLUMNS = [
  { title: "State", className: "nowrap", sort: ({ state }) => state, cell: ({ state }) => stateBadge(state) },
  { title: "Rule", className: "wide", sort: ({ name }) => name, cell: (rule) => h("a", { class: "strong", href: link(`/rules/${rule.rule_id}`) }, rule.name) },
  { title: "Severity", className: "nowrap", sort: (rule) => -SEVERITIES.indexOf(rule.severity), cell: (rule) => severity(rule.severity) },
  { title: "Fires by day", className: "nowrap", cell: ({ fires_by_day }) => firesByDay(fires_by_day) },
  { title: "Last fired", className: "nowrap", sort: ({ last_fired_at: at }) => (at ? Date.parse(at) : 0), cell: ({ last_fired_at }) => (last_fired_at ? h("time", { datetime: last_fired_at, title: clock(last_fired_at) }, ago(last_fired_at)) : h("span", { class: "soft" }, "never")) },
  { title: "Open alerts", className: "number", sort: (rule) => rule.open_alerts, cell: (rule) => (rule.open_alerts
    ? h("a", { href: link("/alerts", { state: "unresolved", rule: rule.name }) }, whole(rule.open_alerts)) : h("span", { class: "soft" }, "0")) },
  { title: "Trouble", className: "wide", cell: (rule) => trouble(rule) },
];

/** The list. The address names what is asked: q, state, severity. */
export function open({ outlet, query, signal, setQuery }) {
  const change = (name, value) => {
    setQuery({ [name]: value });
    if (value) query.set(name, value);
    else query.delete(name);
    shown.refresh();
  };
  const search = field("Search", h("input", {
    type: "search", value: query.get("q") ?? "", placeholder: "A part of the name", spellcheck: "false", oninput: whenRested((event) => change("q", event.target.value.trim()), 150),
  }), { className: "grow" });
  const states = field("State", select([["", "All states"], ...STATES.map((state) => [state, state])], query.get("state") ?? "", (value) => change("state", value)));
  const severities = field("Severity", select([["", "All severities"], ...SEVERITIES.map((name) => [name, name])], query.get("severity") ?? "", (value) => change("severity", value)));
  shortcut("/", "To the search", () => search.control.focus(), signal);

  const order = orderOf({ query, setQuery, changed: () => shown.refresh() });
  const shown = panel({
    title: "Rules",
    className: "flush",
    load: ({ signal }) => get("rules/states", {}, { signal }),
    empty: (rules) => (rules.length ? null : h("div", { class: "empty" }, h("p", null, "There is no rule yet. A rule says what is out of the ordinary."),
      h("a", { class: "button primary", href: "#/rules/new" }, "Write the first one"))),
    render(rules) {
      const wanted = rules.filter((rule) => asked(rule, query));
      shown.setNote(wanted.length === rules.length ? counted(rules.length, "rule") : `${whole(wanted.length)} of ${counted(rules.length, "rule")}`);
      return wanted.length
        ? table({ label: "Rules", columns: COLUMNS, rows: wanted, id: ({ rule_id: id }) => id, order, open: ({ rule_id }) => go(`/rules/${rule_id}`), mark: ({ state }) => (rests(state) ? "troubled" : null) })
        : h("p", { class: "empty" }, "No rule is like this.");
    },
    live: ["alert"],
    gap: 5000,
    every: 15,
    signal,
  });
  outlet.append(
    h("div", { class: "page-head" }, h("h1", null, "Rules"), h("a", { class: "button primary", href: "#/rules/new" }, "New rule")),
    h("form", { class: "bar", role: "search", onsubmit: (event) => event.preventDefault() }, search.element, states.element, severities.element),
    shown.element,
  );
}

function asked(rule, query) {
  const words = (query.get("q") ?? "").toLowerCase();
  return rule.name.toLowerCase().includes(words)
    && [null, "", rule.state].includes(query.get("state")) && [null, "", rule.severity].includes(query.get("severity"));
}

function trouble({ state, last_error, limited_why, failures }) {
  const said = state === "limited" ? limited_why : last_error;
  if (!said && !rests(state)) return "";
  return h("span", { class: "clip trouble", title: said }, failures > 0 && !rests(state) ? `${counted(failures, "failure")}: ` : "", said ?? meaning(state));
}
