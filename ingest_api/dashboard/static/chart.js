// Charts, drawn by Apache ECharts on a canvas. Labels and tooltips are text on that canvas, so no event can smuggle HTML in.

import { h } from "./html.js";
import { colour, onTheme } from "./theme.js";
import { onZone, zone } from "./time.js";

// ECharts empties its element with innerHTML = "" and sets it to nothing else; that alone is allowed in this page.
globalThis.trustedTypes?.createPolicy("default", { createHTML: (text) => (text === "" ? "" : null) });
const loading = import("./echarts.js");
/** When the first chart of the page was drawn, for who measures; see benchmarks/dashboard.py. */
const FIRST_CHART = "first chart";

/** Colours for parts of a whole, in order; the last is for "all others". */
export function palette() {
  return ["--chart-1", "--chart-2", "--chart-3", "--chart-4", "--chart-5", "--chart-6", "--chart-7", "--chart-8"].map(colour);
}

/**
 * A chart: { element, draw(makeOption, summary) }.
 *
 * `makeOption()` answers an option of ECharts; it is asked again when colours or the time zone change. `summary` says in a sentence what is to
 * be seen, for those who cannot see it. `onZoom(from, to)` is called with the milliseconds that were dragged over.
 */
export function chart({ height = 260, onZoom = null, onClick = null, signal }) {
  const element = h("div", { class: "chart", role: "img", style: { height: `${height}px` } });
  let drawn = null;
  let option = null;

  async function start() {
    const echarts = await loading;
    if (signal?.aborted) return;
    drawn = echarts.init(element, null, { renderer: "canvas" });
    if (onClick) drawn.on("click", onClick);
    if (onZoom) {
      drawn.on("brushEnd", ({ areas }) => {
        drawn.dispatchAction({ type: "brush", areas: [] });
        const [from, to] = areas[0]?.coordRange ?? [];
        if (to - from >= 1000) onZoom(from, to);
      });
    }
    const sizes = new ResizeObserver(() => drawn.resize());
    sizes.observe(element);
    signal?.addEventListener("abort", () => { sizes.disconnect(); drawn.dispose(); drawn = null; });
    show();
  }

  function show() {
    if (!drawn || !option) return;
    drawn.setOption({ ...common(), ...option() }, { notMerge: true });
    if (performance.getEntriesByName(FIRST_CHART).length === 0) performance.mark(FIRST_CHART);
    if (onZoom) {
      drawn.dispatchAction({
        type: "takeGlobalCursor", key: "brush", brushOption: { brushType: "lineX", brushMode: "single" },
      });
    }
  }

  onTheme(show, signal);
  onZone(show, signal);
  start();
  return {
    element,
    draw(makeOption, summary) {
      option = makeOption;
      element.setAttribute("aria-label", summary);
      show();
    },
  };
}

/** A length in pixels that grows with the type of the page: size(1) is the size of its text. */
export function size(rem) {
  return Math.round(rem * Number.parseFloat(getComputedStyle(document.documentElement).fontSize));
}

/** What all charts have in common: quiet lines, and the type of the page. */
function common() {
  return {
    animation: false,
    useUTC: zone() === "utc",
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: colour("--text-soft") },
    color: palette(),
    aria: { enabled: false },
  };
}

/** A tooltip over all series at an instant. */
export function tooltip(more = {}) {
  return {
    trigger: "axis",
    renderMode: "richText",
    confine: true,
    backgroundColor: colour("--raised"),
    borderColor: colour("--line"),
    textStyle: { color: colour("--text"), fontSize: size(0.8) },
    axisPointer: { type: "line", lineStyle: { color: colour("--text-soft"), type: "dashed" } },
    ...more,
  };
}

/** An axis of time, and one of values. */
export function timeAxis(more = {}) {
  return {
    type: "time",
    axisLine: { lineStyle: { color: colour("--line") } },
    axisTick: { lineStyle: { color: colour("--line") } },
    axisLabel: { color: colour("--text-soft"), hideOverlap: true, fontSize: size(0.73) },
    splitLine: { show: false },
    ...more,
  };
}

export function valueAxis(more = {}) {
  return {
    type: "value",
    axisLabel: { color: colour("--text-soft"), fontSize: size(0.73) },
    splitLine: { lineStyle: { color: colour("--grid") } },
    splitNumber: 4,
    ...more,
  };
}
