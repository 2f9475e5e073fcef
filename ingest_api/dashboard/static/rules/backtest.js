// What a draft would have found in stored history, before it counts: how often, where, and what differs from what stands.

import { ApiError, post, wasLeft } from "../api.js";
import { chart, timeAxis, tooltip, valueAxis } from "../chart.js";
import { field, select } from "../field.js";
import { groupText } from "../group.js";
import { h, replace } from "../html.js";
import { counted, whole } from "../number.js";
import { skeleton } from "../panel.js";
import { colour } from "../theme.js";
import { clock } from "../time.js";
import { courseChart } from "./course.js";

const DAY = 86_400_000;
const STRETCHES = [["1", "last day"], ["2", "last 2 days"], ["7", "last 7 days"], ["14", "last 14 days"], ["30", "last 30 days"], ["90", "last 90 days"], ["365", "last year"]];
const EXAMPLES = 8;

/** The panel for a draft; `ruleId` is that of the rule that stands, where there is one. */
export function backtestPanel(draft, ruleId, signal) {
  let days = "14";
  const stretch = field("Stretch of history", select(STRETCHES, days, (chosen) => { days = chosen; }), { hideLabel: true });
  const button = h("button", { type: "button", class: "button primary small", onclick: run }, "Try it");
  const body = h("div", { class: "panel-body" }, hint());
  const old = h("p", { class: "panel-trouble", role: "status", hidden: true }, "The rule has changed since; try it again.");
  const element = h("section", { class: "panel backtest", "aria-labelledby": "backtest-title" },
    h("header", { class: "panel-head" }, h("h2", { id: "backtest-title", class: "panel-title" }, "What it would have found"), h("div", { class: "panel-actions" }, stretch.element, button)), old, body);
  const byDay = chart({ height: 150, signal });
  const course = courseChart({ height: 240, signal });
  let tried = null;

  async function run() {
    const to = Date.now();
    const from = to - Number(days) * DAY;
    const asked = { from: new Date(from).toISOString(), to: new Date(to).toISOString(), rule: { ...(draft.document ?? {}), ...(ruleId ? { rule_id: ruleId } : {}) } };
    const revision = draft.revision;
    button.disabled = true;
    element.setAttribute("aria-busy", "true");
    replace(body, skeleton());
    old.hidden = true;
    try {
      const found = await post("rules/backtest", asked, { signal });
      tried = revision;
      show(found, from, to, asked);
    } catch (fault) {
      if (wasLeft(fault) || signal.aborted) return;
      replace(body, h("div", { class: "failed" }, h("p", null, fault instanceof ApiError ? fault.message : "The answer could not be drawn; the console says why.")));
      if (!(fault instanceof ApiError)) console.error(fault);
    } finally {
      button.disabled = !draft.valid;
      element.setAttribute("aria-busy", "false");
    }
  }

  function show(found, from, to, asked) {
    const [variant] = found.variants;
    variant.examples.sort((one, other) => Date.parse(other.occurred_at) - Date.parse(one.occurred_at));
    if (variant.fault) {
      replace(body, h("div", { class: "failed" }, h("p", null, variant.fault)));
      return;
    }
    const place = h("div", { class: "backtest-course" });
    replace(body, sentence(found, variant, Boolean(ruleId)), unheard(variant, asked.rule), variant.by_day.length > 0 && byDay.element, place, examples(variant));
    if (variant.by_day.length > 0) byDay.draw(() => daysOption(variant.by_day, from, to), `Anomalies by day: ${variant.by_day.map(({ day, anomalies }) => `${day} ${anomalies}`).join(", ")}`);
    if (variant.anomalies > 0) showCourse(place, asked, variant);
  }

  async function showCourse(place, asked, variant) {
    // A stretch around one of them: a chart of a month would show less.
    const at = Date.parse(variant.examples[0].occurred_at);
    const around = Math.max(1800_000, (asked.rule.window_seconds ?? 60) * 6000);
    const [from, to] = [Math.max(Date.parse(asked.from), at - around), Math.min(Date.parse(asked.to), at + around)];
    try {
      const series = await post("rules/series", { rule: asked.rule, group: variant.examples[0].group, from: new Date(from).toISOString(), to: new Date(to).toISOString() }, { signal });
      replace(place, h("h3", null, "One of them", groupText(series.group) && h("span", { class: "soft" }, ` · ${groupText(series.group)}`)), course.element);
      course.draw(series, { from, to, tone: asked.rule.severity });
    } catch (fault) {
      if (!wasLeft(fault) && !signal.aborted) replace(place, h("p", { class: "field-hint" }, `The chart cannot be shown: ${fault.message}`));
    }
  }

  draft.on(() => {
    button.disabled = !draft.valid;
    old.hidden = tried === null || tried === draft.revision;
  });
  return { element, run };
}

function hint() {
  return h("p", { class: "empty" }, "Try the rule on what is stored before it counts. Nothing is kept or sent.");
}

function sentence(found, variant, stands) {
  const { same, new: added, gone } = variant.difference;
  return h("div", { class: "backtest-sums" },
    sum(whole(variant.anomalies), variant.anomalies === 1 ? "anomaly" : "anomalies"), sum(whole(variant.alerts), variant.alerts === 1 ? "alert" : "alerts"),
    sum(whole(variant.notifications), "would be sent"), sum(whole(variant.groups), variant.groups === 1 ? "group" : "groups"),
    h("p", { class: "soft" }, `Over ${counted(found.events, "event")}.`, stands && ` Held against what stands: ${whole(same)} the same, ${whole(added)} new, ${whole(gone)} gone.`));
}

/** That alerts would open of which nobody would hear, and why. */
function unheard({ for_nobody: count, channels }, rule) {
  if (!count) return null;
  const why = rule.mode === "shadow" ? "the rule is in the shadow" : channels.length ? "no channel takes them" : "there is no channel";
  return h("p", { class: "field-hint" }, `Nobody would be told of ${counted(count, "alert")}: ${why}. `, rule.mode !== "shadow" && h("a", { href: "#/channels" }, "Channels"));
}

function sum(number, word) {
  return h("span", { class: "sum" }, h("b", null, number), ` ${word}`);
}

function examples({ examples: rows, anomalies }) {
  if (rows.length === 0) return h("p", { class: "empty" }, "It would not have fired.");
  return [
    h("h3", null, anomalies > rows.length || rows.length > EXAMPLES ? "Some of them" : "All of them"),
    h("ul", { class: "examples" }, rows.slice(0, EXAMPLES).map((row) => h("li", null,
      h("span", { class: "list-main" }, h("span", null, row.message), groupText(row.group) && h("span", { class: "soft" }, groupText(row.group))),
      h("time", { class: "list-side", datetime: row.occurred_at }, clock(row.occurred_at))))),
  ];
}

function daysOption(byDay, from, to) {
  const bar = (key, name, tone) => ({ name, type: "bar", barMaxWidth: 26, itemStyle: { color: colour(tone) }, data: byDay.map((row) => [Date.parse(`${row.day}T12:00:00Z`), row[key]]) });
  return {
    grid: { left: 40, right: 12, top: 26, bottom: 24 },
    legend: { top: 0, left: 0, itemWidth: 12, itemHeight: 8, icon: "roundRect", textStyle: { color: colour("--text-soft"), fontSize: 11 } },
    tooltip: tooltip({ axisPointer: { type: "shadow" }, formatter: (shown) => [new Date(shown[0].value[0]).toISOString().slice(0, 10), ...shown.map(({ seriesName, value }) => `${value[1]} ${seriesName}`)].join("\n") }),
    xAxis: timeAxis({ min: Math.floor(from / DAY) * DAY, max: Math.ceil(to / DAY) * DAY }),
    yAxis: valueAxis({ min: 0, minInterval: 1 }),
    series: [bar("anomalies", "anomalies", "--chart-2"), bar("alerts", "alerts", "--chart-1")],
  };
}
