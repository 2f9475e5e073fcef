// Events a second over event time, stacked by type or source, with the anomalies below at the time of their event.

import { get } from "../api.js";
import { chart, palette, timeAxis, tooltip, valueAxis } from "../chart.js";
import { SEVERITIES } from "../badge.js";
import { choice } from "../field.js";
import { compact, counted, trimmed, whole } from "../number.js";
import { panel } from "../panel.js";
import { colour } from "../theme.js";
import { clock } from "../time.js";

const MOST_ANOMALIES = 500;
const SHAPES = { critical: "triangle", warning: "diamond", info: "circle" };

/** The panel; `chosen` are the choices of the page. */
export function ratePanel(chosen, signal) {
  const picture = chart({
    height: 340,
    signal,
    onZoom: (from, to) => chosen.change({ range: null, from: new Date(from).toISOString(), to: new Date(to).toISOString() }),
  });
  const by = choice("Stack by", [["event_type", "by type"], ["source", "by source"]], chosen.by(),
    (name) => chosen.change({ by: name === "event_type" ? null : name }));

  async function load({ signal }) {
    const { from, to, bucketSeconds } = chosen.range();
    const between = { from: from.toISOString(), to: to.toISOString() };
    const [counts, anomalies] = await Promise.all([
      get("metrics/series", { ...between, bucket_seconds: bucketSeconds, group_by: chosen.by(), ...chosen.filters() }, { signal }),
      get("anomalies", { ...between, limit: MOST_ANOMALIES }, { signal }),
    ]);
    return { counts, anomalies: anomalies.data, from, to, now: Date.now() };
  }

  function render(data, body) {
    if (!picture.element.isConnected) body.replaceChildren(picture.element);
    const total = data.counts.series.reduce((sum, { total }) => sum + total, data.counts.other.total);
    shown.setNote(`by event time · ${counted(total, "event")}, ${counted(data.anomalies.length, "anomaly", "anomalies")}`);
    picture.draw(() => option(data), `${counted(total, "event")} between ${clock(data.from)} and ${clock(data.to)}, `
      + `${counted(data.anomalies.length, "anomaly", "anomalies")}. Most frequent: ${data.counts.series.slice(0, 3).map(({ key, total }) => `${key} ${whole(total)}`).join(", ")}.`);
  }

  const shown = panel({ title: "Events a second", load, render, live: ["batch", "anomaly"], gap: 2000, every: 10, actions: by.element, className: "area-rate", signal });
  return shown;
}

function option({ counts, anomalies, from, to, now }) {
  const start = Date.parse(counts.from);
  const width = counts.bucket_seconds * 1000;
  const all = [...counts.series, ...(counts.other.total ? [{ key: counts.other.keys === 1 ? "1 other" : `${counts.other.keys} others`, counts: counts.other.counts }] : [])];
  const colours = palette();
  return {
    grid: [{ left: 52, right: 14, top: 34, bottom: 108 }, { left: 52, right: 14, height: 54, bottom: 26 }],
    legend: { type: "scroll", top: 0, left: 0, itemWidth: 12, itemHeight: 8, icon: "roundRect", textStyle: { color: colour("--text"), fontSize: 12 },
      pageTextStyle: { color: colour("--text-soft") }, pageIconColor: colour("--text-soft"), data: all.map(({ key }) => key) },
    tooltip: tooltip({ order: "seriesDesc", valueFormatter: (value) => `${trimmed(value)}/s`, axisPointer: { type: "shadow", shadowStyle: { color: colour("--grid"), opacity: 0.5 } } }),
    toolbox: { show: false },
    brush: { xAxisIndex: 0, brushStyle: { color: colour("--accent-soft"), opacity: 0.5, borderWidth: 0 }, outOfBrush: { colorAlpha: 1 } },
    xAxis: [
      timeAxis({ min: from, max: to, axisLabel: { show: false }, axisTick: { show: false } }),
      timeAxis({ min: from, max: to, gridIndex: 1, axisPointer: { show: true, label: { show: false } } }),
    ],
    yAxis: [
      valueAxis({ min: 0, axisLabel: { color: colour("--text-soft"), fontSize: 11, formatter: compact } }),
      { type: "category", gridIndex: 1, data: SEVERITIES, inverse: true, axisLine: { show: false }, axisTick: { show: false },
        axisLabel: { color: colour("--text-soft"), fontSize: 11 }, splitLine: { show: true, lineStyle: { color: colour("--grid") } } },
    ],
    axisPointer: { link: [{ xAxisIndex: "all" }] },
    series: [
      ...all.map(({ key, counts: numbers }, place) => ({
        name: key, type: "bar", stack: "events", barCategoryGap: "6%", color: colours[Math.min(place, colours.length - 1)],
        // The newest bar is not over yet: its rate is that of the time it has had.
        data: numbers.map((count, bucket) => [start + (bucket + 0.5) * width, rate(count, start + bucket * width, width, now)]),
      })),
      {
        name: "anomalies", type: "scatter", xAxisIndex: 1, yAxisIndex: 1, symbolSize: 11, tooltip: { show: true, trigger: "item",
          formatter: ({ data }) => `${clock(data.value[0])}  ${data.severity}\n${data.words}` },
        data: anomalies.map(({ occurred_at, severity, rule_name, message }) => ({
          value: [Date.parse(occurred_at), severity], symbol: SHAPES[severity] ?? "circle", severity, words: `${rule_name}: ${message}`.slice(0, 160),
          itemStyle: { color: colour(`--mark-${SEVERITIES.includes(severity) ? severity : "info"}`) },
        })),
      },
    ],
  };
}

function rate(count, start, width, now) {
  const had = Math.min(width, Math.max(1000, now - start));
  return (1000 * count) / had;
}
