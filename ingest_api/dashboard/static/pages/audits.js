// Whether history can be believed: audits of closed days, and what rules have not evaluated.

import { get } from "../api.js";
import { badge } from "../badge.js";
import { h, svg } from "../html.js";
import { icon } from "../icon.js";
import { counted, whole } from "../number.js";
import { panel } from "../panel.js";
import { link } from "../router.js";
import { pages, table } from "../table.js";
import { ago, clock } from "../time.js";

const ROWS = 30;
const DAY = 86_400_000;
const GAPS_TOLD = 6;

/** The page. */
export function open({ outlet, signal }) {
  outlet.append(h("div", { class: "page-head" }, h("h1", null, "Audits")), h("div", { class: "stack" }, auditsPanel(signal).element, coveragePanel(signal).element));
}

const difference = (title, name) => ({ title, className: "number", cell: (audit) => (audit[name] ? h("b", { class: "trouble" }, whole(audit[name])) : h("span", { class: "soft" }, "0")) });

function auditsPanel(signal) {
  const walk = pages(() => shown.refresh());
  const columns = [
    { title: "Day (UTC)", className: "nowrap", cell: ({ day }) => h("b", null, day) },
    { title: "Verdict", className: "nowrap", cell: ({ agrees, repaired }) => badge(agrees ? "agrees" : repaired ? "repaired" : "differs", agrees ? "ok" : repaired ? "info" : "critical") },
    difference("Missing", "missing"), difference("Extra", "extra"), difference("Changed", "changed"),
    { title: "Anomalies", className: "number", cell: ({ standing }) => whole(standing) },
    { title: "Rules", className: "number", cell: ({ rules }) => whole(rules) },
    { title: "Events", className: "number", cell: ({ events }) => whole(events) },
    { title: "What it says", className: "wide", cell: ({ findings }) => said(findings) },
    { title: "Done", className: "nowrap", cell: ({ finished_at: at }) => h("time", { datetime: at, title: clock(at, { day: "always" }) }, ago(at)) },
    { title: "Dagster run", className: "nowrap", cell: ({ dagster_run_id: run, dagster_run_url: url }) => (run && url
      ? h("a", { href: url, target: "_blank", rel: "noopener", class: "mono" }, run.slice(0, 8), h("span", { class: "only-read" }, " opens in a new tab"), icon("link")) : run?.slice(0, 8) ?? "–") },
  ];
  const shown = panel({
    title: "Days that were evaluated afresh",
    className: "flush",
    load: ({ signal }) => get("audits", { limit: ROWS, cursor: walk.cursor() }, { signal }),
    empty: ({ data }) => (data.length ? null : h("div", { class: "empty" }, h("p", null, "No day has been audited yet. Each night the closed days are; ", h("code", null, "eventpulse audit"), " does it at once."))),
    render({ data, pagination }) {
      walk.show(pagination);
      return [table({ label: "Audits", columns, rows: data, mark: ({ agrees, repaired }) => (agrees || repaired ? null : "troubled") }), walk.element];
    },
    every: 60,
    signal,
  });
  return shown;
}

function said(findings) {
  if (findings.length === 0) return h("span", { class: "soft" }, "nothing");
  return h("details", { class: "findings" }, h("summary", null, counted(findings.length, "rule")),
    h("ul", null, findings.map((finding) => h("li", null,
      h("a", { href: link(`/rules/${finding.rule_id}`) }, finding.rule_name),
      [["missing", finding.missing], ["extra", finding.extra], ["changed", finding.changed]].filter(([, count]) => count).map(([what, count]) => ` · ${whole(count)} ${what}`),
      finding.remarks.map((remark) => h("p", { class: "soft" }, remark))))));
}

function coveragePanel(signal) {
  const walk = pages(() => shown.refresh());
  const columns = [
    { title: "Day (UTC)", className: "nowrap", cell: ({ day }) => h("b", null, day) },
    { title: "Evaluated", className: "nowrap", cell: ({ complete, gaps }) => (complete ? badge("complete", "ok") : badge(counted(gaps.length, "gap"), "warning")) },
    { title: "From midnight to midnight", className: "wide", cell: (row) => dayBar(row) },
    { title: "Events", className: "number", cell: ({ events }) => whole(events) },
    { title: "Not evaluated", className: "wide", cell: ({ gaps }) => gapsText(gaps) },
  ];
  const shown = panel({
    title: "What rules have evaluated",
    className: "flush",
    load: ({ signal }) => get("coverage", { limit: ROWS, cursor: walk.cursor() }, { signal }),
    empty: ({ data }) => (data.length ? null : "No event is stored yet."),
    render({ data, pagination }) {
      walk.show(pagination);
      shown.setNote(h("code", null, "eventpulse backfill"), " fills gaps");
      return [table({ label: "Coverage", columns, rows: data }), walk.element];
    },
    every: 60,
    signal,
  });
  return shown;
}

/** A day as a bar: what some rule has not evaluated stands out. */
function dayBar({ day, gaps }) {
  const start = Date.parse(`${day}T00:00:00Z`);
  const x = (instant) => (240 * Math.min(Math.max((Date.parse(instant) - start) / DAY, 0), 1));
  return svg("svg", { class: "day-bar", viewBox: "0 0 240 12", preserveAspectRatio: "none", role: "img", "aria-label": `${day}: ${gaps.length ? counted(gaps.length, "gap") : "no gap"}` },
    svg("rect", { class: "whole", x: 0, y: 0, width: 240, height: 12, rx: 3 }),
    gaps.map(({ from, to }) => svg("rect", { class: "gap", x: x(from), y: 0, width: Math.max(1.5, x(to) - x(from)), height: 12 })));
}

function gapsText(gaps) {
  if (gaps.length === 0) return "";
  return h("ul", { class: "gaps" },
    gaps.slice(0, GAPS_TOLD).map(({ rule_id: id, rule_name: name, from, to }) => h("li", null, h("a", { href: link(`/rules/${id}`) }, name), h("span", { class: "soft" }, ` ${clock(from, { day: "never" })}–${clock(to, { day: "never" })}`))),
    gaps.length > GAPS_TOLD && h("li", { class: "soft" }, `and ${whole(gaps.length - GAPS_TOLD)} more`));
}
