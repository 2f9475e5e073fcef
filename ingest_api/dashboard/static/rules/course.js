// The course of a rule in one group: its value against the threshold or the expected band, where it held, and its anomalies.

import { chart, timeAxis, tooltip, valueAxis } from "../chart.js";
import { groupText } from "../group.js";
import { counted, trimmed } from "../number.js";
import { colour } from "../theme.js";
import { clock } from "../time.js";

/**
 * A chart of what POST /rules/series answers: { element, draw(series, { from, to, window, tone }) }. `window` is [from, to] in milliseconds, shaded;
 * `tone` is the severity of the rule.
 */
export function courseChart({ height = 260, signal }) {
  const picture = chart({ height, signal });
  return {
    element: picture.element,
    draw(series, { from, to, window = null, tone = "warning" }) {
      picture.draw(() => option(series, { from, to, window, tone }), words(series, from, to));
    },
  };
}

function words({ points, anomalies, group, unit }, from, to) {
  const values = points.map(({ value }) => value).filter((value) => value !== null);
  const range = values.length ? `values from ${trimmed(Math.min(...values))} to ${trimmed(Math.max(...values))} ${unit}` : "no values";
  const of = group && Object.keys(group).length ? ` of ${groupText(group)}` : "";
  return `Course${of} between ${clock(from)} and ${clock(to)}: ${range}, ${counted(anomalies.length, "anomaly", "anomalies")}.`;
}

function option({ points, anomalies, shape, unit }, { from, to, window, tone }) {
  const at = points.map((point) => Date.parse(point.at));
  const end = Math.min(to, Date.now());
  // A step holds until the next point, and the last one until the end.
  const pairs = (key) => {
    const all = points.map((point, place) => [at[place], point[key]]);
    if (shape === "steps" && all.length && at.at(-1) < end) all.push([end, all.at(-1)[1]]);
    return all;
  };
  const has = (key) => points.some((point) => point[key] !== null);
  const step = shape === "steps" ? "end" : false;
  const mark = colour(`--mark-${tone}`);
  const series = [{
    name: unit.length > 2 ? unit : unit ? `value in ${unit}` : "value", type: shape === "events" ? "scatter" : "line", step, data: pairs("value"), symbol: "circle", symbolSize: shape === "events" ? 6 : 0,
    showSymbol: shape === "events", lineStyle: { width: 1.8, color: colour("--chart-1") }, itemStyle: { color: colour("--chart-1") }, z: 3,
    markArea: { silent: true, itemStyle: { color: mark, opacity: 0.13 }, data: held(points, at, end, shape) },
  }];
  if (has("threshold")) series.push(edge("threshold", pairs("threshold"), step));
  if (has("low") || has("high")) series.push(...band(pairs("low"), pairs("high"), step));
  if (window) {
    series.push({ name: "window", type: "line", data: [], markArea: { silent: true, itemStyle: { color: colour("--accent"), opacity: 0.14 },
      label: { show: true, position: "insideTop", color: colour("--text-soft"), fontSize: 11 }, data: [[{ name: "window", xAxis: window[0] }, { xAxis: window[1] }]] } });
  }
  const height = (anomaly) => anomaly.value ?? valueAt(points, at, Date.parse(anomaly.at)) ?? 0;
  series.push({
    name: "anomalies", type: "scatter", symbol: "triangle", symbolSize: 11, z: 5, itemStyle: { color: mark, borderColor: colour("--surface"), borderWidth: 1 },
    data: anomalies.map((anomaly) => ({ value: [Date.parse(anomaly.at), height(anomaly)], words: anomaly.message })),
  });
  return {
    grid: { left: 52, right: 16, top: 30, bottom: 26 },
    legend: { top: 0, left: 0, itemWidth: 14, itemHeight: 8, textStyle: { color: colour("--text-soft"), fontSize: 11 }, selectedMode: false,
      data: series.map(({ name }) => name).filter((name) => !["window", "low"].includes(name)) },
    tooltip: tooltip({ formatter: (shown) => explained([shown].flat()) }),
    xAxis: timeAxis({ min: from, max: to }),
    yAxis: valueAxis({ scale: !points.some(({ value }) => value !== null && value >= 0 && value < 50), name: "", axisLabel: { color: colour("--text-soft"), fontSize: 11, formatter: trimmed } }),
    series,
  };
}

function edge(name, data, step) {
  return { name, type: "line", step, data, symbolSize: 0, showSymbol: false, lineStyle: { width: 1.4, type: "dashed", color: colour("--text-soft") }, itemStyle: { color: colour("--text-soft") }, z: 2 };
}

/** An area between two lines: the lower one unseen, the difference stacked upon it. */
function band(low, high, step) {
  const common = { type: "line", step, symbolSize: 0, showSymbol: false, stack: "band", stackStrategy: "all", lineStyle: { width: 0 }, z: 1 };
  const bottom = low.map(([when, value], place) => [when, value ?? (high[place][1] === null ? null : Math.min(0, high[place][1]))]);
  return [
    { ...common, name: "low", data: bottom },
    { ...common, name: "expected", itemStyle: { color: colour("--chart-3") }, areaStyle: { color: colour("--chart-3"), opacity: 0.2 },
      data: bottom.map(([when, value], place) => [when, value === null || high[place][1] === null ? null : high[place][1] - value]) },
  ];
}

function held(points, at, end, shape) {
  if (shape === "events") return [];
  const stretches = [];
  points.forEach((point, place) => {
    if (!point.true) return;
    const until = at[place + 1] ?? end;
    const last = stretches.at(-1);
    if (last && last[1].xAxis === at[place]) last[1].xAxis = until;
    else stretches.push([{ xAxis: at[place] }, { xAxis: until }]);
  });
  return stretches;
}

function valueAt(points, at, instant) {
  const place = at.findLastIndex((when) => when <= instant);
  return place < 0 ? null : points[place].value;
}

function explained(shown) {
  const lines = shown.filter(({ seriesName, data }) => seriesName !== "low" && data).map(({ seriesName, data }) => {
    if (data.words) return `▲ ${data.words.slice(0, 160)}`;
    const [, value] = data.value ?? data;
    return value === null || value === undefined || seriesName === "expected" ? null : `${seriesName}  ${trimmed(value)}`;
  }).filter(Boolean);
  return [clock(shown[0]?.axisValue ?? shown[0]?.data?.value?.[0] ?? 0, { day: "always" }), ...lines].join("\n");
}
