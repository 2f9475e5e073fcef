// On which of the last days a rule fired, as bars.

import { counted } from "../number.js";
import { bars } from "../sparkline.js";

const DAYS = 14;
const DAY_MILLISECONDS = 86_400_000;

/** Bars for the last fourteen UTC days; `fires` has those on which there was something. */
export function firesByDay(fires, now = Date.now()) {
  const counts = new Map(fires.map(({ day, count }) => [day, count]));
  const values = Array.from({ length: DAYS }, (_, place) =>
    counts.get(new Date(now - (DAYS - 1 - place) * DAY_MILLISECONDS).toISOString().slice(0, 10)) ?? 0);
  const total = values.reduce((sum, value) => sum + value, 0);
  return bars(values, `${counted(total, "anomaly", "anomalies")} in the last ${DAYS} days, ${values.at(-1)} of them today`);
}
