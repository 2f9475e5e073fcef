// Instants and lengths of time as people read them. The API speaks UTC; the page shows local time or UTC, as chosen.

import { keep, kept } from "./kept.js";

const whenZoneChanges = new Set();

/** "local" or "utc". */
export function zone() {
  return kept("zone") === "utc" ? "utc" : "local";
}

export function setZone(chosen) {
  keep("zone", chosen === "utc" ? "utc" : null);
  for (const listener of whenZoneChanges) listener();
}

export function onZone(listener, signal) {
  whenZoneChanges.add(listener);
  signal?.addEventListener("abort", () => whenZoneChanges.delete(listener));
}

/** What the times of the page are in, for those who wonder: "UTC", "Europe/Berlin". */
export function zoneName() {
  return zone() === "utc" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** 14:03:05, with the day in front where it is not today; with milliseconds where asked. */
export function clock(instant, { milliseconds = false, day = "unless today" } = {}) {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return "–";
  const time = format(date, {
    hour: "2-digit", minute: "2-digit", second: "2-digit", ...(milliseconds ? { fractionalSecondDigits: 3 } : {}),
  });
  if (day === "never" || (day === "unless today" && dayOf(date) === dayOf(new Date()))) return time;
  return `${dayOf(date)} ${time}`;
}

/** 2026-11-25 */
export function dayOf(instant) {
  return format(new Date(instant), { year: "numeric", month: "2-digit", day: "2-digit" });
}

/** An instant as a field of type datetime-local has it, in the zone of the page; and back, as the API has it. */
export function toInput(instant) {
  const date = new Date(instant ?? NaN);
  return Number.isNaN(date.getTime()) ? "" : `${dayOf(date)}T${clock(date, { day: "never" })}`;
}

export function fromInput(text) {
  const date = new Date(text && zone() === "utc" ? `${text}Z` : text);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

function format(date, parts) {
  // The Swedish way of writing dates is the ISO one.
  return date.toLocaleString("sv-SE", { ...parts, ...(zone() === "utc" ? { timeZone: "UTC" } : {}) }).replace(",", ".");
}

/** "now", "4 s", "12 min", "3 h", "5 d": one number, rounded down. */
export function span(milliseconds) {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** "just now", "4 s ago", "in 3 min". */
export function ago(instant) {
  const past = Date.now() - new Date(instant).getTime();
  if (Math.abs(past) < 1000) return "just now";
  return past < 0 ? `in ${span(-past)}` : `${span(past)} ago`;
}

/** A short length of time: "34 ms", "1.2 s", "3 min". */
export function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 60) return `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;
  return span(value * 1000);
}

/** Calls `tick` each second, while the page can be seen and until `signal`. For texts such as "4 s ago". */
export function everySecond(tick, signal) {
  tickers.add(tick);
  signal?.addEventListener("abort", () => tickers.delete(tick));
}

const tickers = new Set();
setInterval(() => {
  if (!document.hidden) for (const tick of tickers) tick();
}, 1000);
