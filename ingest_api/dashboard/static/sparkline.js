// A line or bars the size of a word.

import { svg } from "./html.js";

/** Bars for a few numbers, such as fires by day. `label` says what they are. */
export function bars(values, label, { width = 84, height = 20 } = {}) {
  const most = Math.max(1, ...values);
  const step = width / Math.max(1, values.length);
  return svg("svg", { class: "sparkline", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label },
    values.map((value, place) => {
      const tall = value === 0 ? 1 : Math.max(2, (value / most) * height);
      return svg("rect", { x: place * step + 0.5, y: height - tall, width: Math.max(1, step - 1), height: tall, class: value ? null : "none" });
    }));
}

/** A line through numbers in order. */
export function line(values, label, { width = 120, height = 28 } = {}) {
  const most = Math.max(...values, 0) || 1;
  const points = values.map((value, place) =>
    `${((place / Math.max(1, values.length - 1)) * width).toFixed(1)},${(height - 1 - (value / most) * (height - 2)).toFixed(1)}`);
  return svg("svg", { class: "sparkline", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    svg("polyline", { points: points.join(" ") }));
}
