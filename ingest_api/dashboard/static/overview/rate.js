// Events a second over event time, stacked by type or source, with the anomalies below at the time of their event.

import { get } from "../api.js";
import { SEVERITIES } from "../badge.js";
import { chart, palette, size, timeAxis, tooltip, valueAxis } from "../chart.js";
import { choice } from "../field.js";
import { replace } from "../html.js";
import { compact, counted, trimmed, whole } from "../number.js";
import { panel } from "../panel.js";
import { colour } from "../theme.js";
import { clock } from "../time.js";

const SHAPES = { critical: "triangle", warning: "diamond", info: "circle" };

/** The panel; `chosen` are the choices of the page. */
export function ratePanel(chosen, signal) {
  const picture = chart({
    height: matchMedia("(min-width: 1800px)").matches ? 440 : 340,
    signal,
    onZoom: (from, to) => chosen.change({ range: null, from: new Date(from).toISOString(), to: new Date(to).toISOString() }),
  });
  const by = choice("Stack by", [["event_type", "by type"], ["source", "by source"]], chosen.by(),
    (name) => chosen.change({ by: name === "event_type" ? null : name }));

  async function load({ signal }) {
    const { from, to, bucketSeconds } = chosen.range();
    const asked = { ...chosen.between(), bucket_seconds: bucketSeconds };
    const [counts, anomalies] = await Promise.all([
      get("metrics/series", { ...asked, group_by: chosen.by(), ...chosen.filters() }, { signal }),
      get("metrics/anomalies", asked, { signal }),
    ]);
    return { counts, anomalies, from, to, now: Date.now() };
  }

  function render(data, body) {
    if (!picture.element.isConnected) replace(body, picture.element);
    const { counts, anomalies, from, to } = data;
    const total = counts.series.reduce((sum, { total }) => sum + total, counts.other.total);
    const said = `${counted(total, "event")}, ${counted(anomalies.total, "anomaly", "anomalies")}`;
    shown.setNote(`by event time · ${said}`);
    picture.draw(() => option(data), `Events a second between ${clock(from)} and ${clock(to)}: ${said}.`
      + ` Most frequent: ${counts.series.slice(0, 3).map(({ key, total }) => `${key} ${whole(total)}`).join(", ") || "none"}.`);
  }

  const shown = panel({ title: "Events a second", load, render, live: ["batch", "anomaly"], gap: 4000, every: 10, actions: by.element, className: "area-rate", signal });
  return shown;
}

function option({ counts, anomalies, from, to, now }) {
  const start = Date.parse(counts.from);
  const width = counts.bucket_seconds * 1000;
  const all = [...counts.series, ...(counts.other.total ? [{ key: counts.other.keys === 1 ? "1 other" : `${counts.other.keys} others`, counts: counts.other.counts }] : [])];
  const colours = palette();
  return {
    grid: [{ left: size(3.7), right: 14, top: 34, bottom: 104 }, { left: size(3.7), right: 14, height: 54, bottom: 26 }],
    legend: { type: "scroll", top: 0, left: 0, itemWidth: 12, itemHeight: 8, icon: "roundRect", textStyle: { color: colour("--text"), fontSize: size(0.8), lineHeight: size(1.2) },
      pageTextStyle: { color: colour("--text-soft") }, pageIconColor: colour("--text-soft"), data: all.map(({ key }) => key) },
    tooltip: tooltip({ order: "seriesDesc", valueFormatter: (value) => `${trimmed(value)}/s`, axisPointer: { type: "shadow", shadowStyle: { color: colour("--grid"), opacity: 0.5 } } }),
    toolbox: { show: false },
    brush: { xAxisIndex: 0, brushStyle: { color: colour("--accent-soft"), opacity: 0.5, borderWidth: 0 }, outOfBrush: { colorAlpha: 1 } },
    xAxis: [
      timeAxis({ min: from, max: to, axisLabel: { show: false }, axisTick: { show: false } }),
      timeAxis({ min: from, max: to, gridIndex: 1, axisPointer: { show: true, label: { show: false } } }),
    ],
    yAxis: [
      valueAxis({ min: 0, axisLabel: { color: colour("--text-soft"), fontSize: size(0.73), formatter: compact } }),
      { type: "category", gridIndex: 1, data: SEVERITIES, inverse: true, axisLine: { show: false }, axisTick: { show: false },
        axisLabel: { color: colour("--text-soft"), fontSize: size(0.73) }, splitLine: { show: true, lineStyle: { color: colour("--grid") } } },
    ],
    axisPointer: { link: [{ xAxisIndex: "all" }] },
    series: [
      ...all.map(({ key, counts: numbers }, place) => ({
        name: key, type: "bar", stack: "events", barCategoryGap: "6%", color: colours[Math.min(place, colours.length - 1)],
        // The newest bar is not over yet: its rate is that of the time it has had.
        data: numbers.map((count, bucket) => [start + (bucket + 0.5) * width, rate(count, start + bucket * width, width, now)]),
      })),
      {
        name: "anomalies", type: "scatter", xAxisIndex: 1, yAxisIndex: 1, cursor: "default", z: 5,
        tooltip: { trigger: "item", formatter: ({ data }) => data.words },
        data: anomalies.marks.map((mark) => ({
          value: [start + (mark.bucket + 0.5) * width, mark.severity], symbol: SHAPES[mark.severity], symbolSize: Math.min(17, 8 + 2 * Math.sqrt(mark.count)),
          itemStyle: { color: colour(`--mark-${mark.severity}`), opacity: 1 }, words: words(mark, start, width),
        })),
      },
    ],
  };
}

function words({ bucket, severity, count, names, rules }, start, width) {
  const more = rules > names.length ? ` and ${rules - names.length} more` : "";
  return `${clock(start + bucket * width)}  ${whole(count)} ${severity}\n${names.join("\n")}${more}`;
}

function rate(count, start, width, now) {
  const had = Math.min(width, Math.max(1000, now - start));
  return (1000 * count) / had;
}
