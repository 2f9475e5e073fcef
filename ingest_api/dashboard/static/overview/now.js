// The numbers of this moment, each with the word that says whether it is good.

import { get } from "../api.js";
import { SEVERITIES } from "../badge.js";
import { errorsPredicate, askForErrors } from "../errors.js";
import { h } from "../html.js";
import { icon } from "../icon.js";
import { compact, counted, percent, quantile, trimmed, whole } from "../number.js";
import { panel } from "../panel.js";
import { link } from "../router.js";
import { line } from "../sparkline.js";
import { seconds } from "../time.js";

const LOOKED_AT_MINUTES = 5;
const BATCHES = 60;

/** The panel of numbers. A number that cannot be had says why; the others do not wait for it. */
export function nowPanel(chosen, signal) {
  async function load({ signal }) {
    const questions = {
      alerts: get("alerts/summary", {}, { signal }),
      rate: get("metrics", { window_seconds: 60, ...chosen.filters() }, { signal }),
      errors: get("metrics/share", { where: errorsPredicate(), window_seconds: LOOKED_AT_MINUTES * 60, ...chosen.filters() }, { signal }),
      health: get("events/health", {}, { signal }).catch((fault) => fault.body ?? Promise.reject(fault)),
      ledger: get("ledger", { limit: 1 }, { signal }),
      batches: get("batches", { limit: BATCHES, origin: "live" }, { signal }),
    };
    const answers = await Promise.allSettled(Object.values(questions));
    if (answers.every(({ status }) => status === "rejected")) throw answers[0].reason;
    return Object.fromEntries(Object.keys(questions).map((name, place) => [name, answers[place]]));
  }

  function render(data) {
    return h("div", { class: "tiles" },
      tile("Open alerts", data.alerts, openAlerts, { href: link("/alerts", { state: "unresolved" }), className: "wide" }),
      tile("Events a second", data.rate, eventsASecond),
      tile("Errors", data.errors, errors, { action: h("button", { type: "button", class: "text-button", onclick: () => askForErrors(signal, shown.refresh) }, "define") }),
      tile("Accept → anomaly", data.batches, latency),
      tile("Lag", data.health, lag),
      tile("Backlog", data.ledger, backlog),
      tile("Ledger", data.ledger, balance, { href: "#/batches" }));
  }

  const shown = panel({ title: "Now", load, render, live: ["alert", "batch"], gap: 4000, every: 5, className: "area-now", signal });
  return shown;
}

function tile(title, answer, draw, { href, action, className = "" } = {}) {
  const failed = answer.status === "rejected";
  const missing = failed && answer.reason.status === 404;
  const { value, unit, below, tone } = failed
    ? { value: "–", below: missing ? "not available" : answer.reason.message, tone: missing ? null : "warning" }
    : draw(answer.value);
  return h("div", { class: `tile ${className} ${tone ? `tone-${tone}` : ""}` },
    h("div", { class: "tile-title" }, href ? h("a", { href }, title) : title, action),
    h("div", { class: "tile-value" }, value, unit && h("span", { class: "tile-unit" }, unit)),
    h("div", { class: "tile-below" }, below));
}

function openAlerts({ open, acknowledged }) {
  const taken = SEVERITIES.reduce((sum, name) => sum + (acknowledged?.[name] ?? 0), 0);
  const numbers = SEVERITIES.map((name) => {
    const count = open?.[name] ?? 0;
    return h("span", { class: `count ${count ? name : "none"}`, title: `${whole(count)} ${name}` }, icon(name), whole(count), h("span", { class: "only-read" }, ` ${name}`));
  });
  return { value: h("span", { class: "counts" }, numbers), below: `${whole(taken)} acknowledged` };
}

function eventsASecond({ metrics }) {
  const count = metrics.reduce((sum, metric) => sum + metric.count, 0);
  return { value: compact(count / 60), unit: "/s", below: "in the last minute" };
}

function errors({ matching, looked_at }) {
  return { value: percent(matching, looked_at), below: looked_at ? `of ${counted(looked_at, "event")}` : `no events in ${LOOKED_AT_MINUTES} min` };
}

function latency({ data }) {
  const taken = data.filter(({ oldest_received_at, taken }) => oldest_received_at && taken).reverse()
    .map(({ oldest_received_at, committed_at }) => (Date.parse(committed_at) - Date.parse(oldest_received_at)) / 1000);
  const p95 = quantile(taken, 0.95);
  return {
    value: seconds(p95), unit: taken.length ? "p95" : null,
    below: taken.length ? line(taken, `The last ${counted(taken.length, "micro-batch", "micro-batches")}, p50 ${seconds(quantile(taken, 0.5))}`, { height: 16 }) : "nothing taken yet",
    tone: p95 > 5 ? "warning" : null,
  };
}

function lag({ worker, worker_lag_seconds }) {
  if (worker === "unknown") return { value: "–", below: "no drain leads", tone: "critical" };
  return { value: seconds(worker_lag_seconds ?? 0), below: worker === "ok" ? "oldest waiting" : "the drain is behind", tone: worker === "ok" ? null : "warning" };
}

function backlog({ balance }) {
  if (!balance) return { value: "–", below: "Redis cannot be reached", tone: "critical" };
  return { value: compact(balance.pending), below: "events waiting", tone: balance.pending > 10_000 ? "warning" : null };
}

function balance({ balance }) {
  if (!balance) return { value: "unknown", below: "Redis cannot be reached", tone: "critical" };
  const { stored, duplicates, dead_lettered, missing, uncounted } = balance;
  const parts = [`${compact(stored)} stored`, duplicates && `${compact(duplicates)} duplicates`, dead_lettered && `${compact(dead_lettered)} dead letters`,
    missing && `${whole(missing)} missing`, uncounted && `${whole(uncounted)} uncounted`].filter(Boolean);
  return {
    value: h("span", { class: "ledger-word" }, icon(balance.balances ? "ok" : "critical"), balance.balances ? "balances" : "off"),
    below: h("span", { title: balance.sentence }, parts.join(", ")),
    tone: balance.balances ? "ok" : "critical",
  };
}
