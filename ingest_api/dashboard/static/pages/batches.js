// The ledger: what became of every event that was accepted, day by day and micro-batch by micro-batch.

import { get } from "../api.js";
import { badge } from "../badge.js";
import { field, select } from "../field.js";
import { h, replace } from "../html.js";
import { icon } from "../icon.js";
import { whole } from "../number.js";
import { panel } from "../panel.js";
import { link } from "../router.js";
import { pages, table } from "../table.js";
import { clock, seconds } from "../time.js";

const ROWS = 100;
const DAYS = 14;
const ORIGINS = [["", "All origins"], ["live", "live"], ["import", "import"], ["rerun", "rerun"], ["backfill", "backfill"]];
const number = (title, value, quiet = true) => ({ title, className: "number", cell: (row) => amount(value(row), quiet) });

/** The page. The address may name a day, a run or an origin. */
export function open({ outlet, query, signal, setQuery }) {
  outlet.append(h("div", { class: "page-head" }, h("h1", null, "Batches")), h("div", { class: "stack" }, days(query, signal).element, batches(query, signal, setQuery).element));
}

function days(query, signal) {
  return panel({
    title: "Every accepted event is accounted for",
    className: "flush",
    load: ({ signal }) => get("ledger", { limit: DAYS }, { signal }),
    render: ({ balance, data }) => [
      h("p", { class: "ledger-sentence" }, balance ? badge(balance.balances ? "balances" : "does not balance", balance.balances ? "ok" : "critical") : badge("unknown", "warning"),
        balance ? balance.sentence : "Redis cannot be reached, so what waits there is not known."),
      data.length > 0 && table({
        label: "Days of acceptance",
        rows: data,
        columns: [
          { title: "Day (UTC)", className: "nowrap", cell: ({ day, balances }) => [h("a", { href: link("/batches", { day }) }, day), !balances && badge("off", "critical")] },
          number("Accepted", ({ accepted }) => accepted, false), number("Stored", ({ stored }) => stored, false), number("Duplicates", ({ duplicates }) => duplicates),
          number("Dead letters", ({ dead_lettered }) => dead_lettered), number("Pending", ({ pending }) => pending), number("Missing", ({ missing }) => missing),
          number("Too late", ({ too_late }) => too_late), number("Micro-batches", ({ batches }) => batches, false), number("Anomalies", ({ anomalies }) => anomalies),
          number("Retracted", ({ retracted }) => retracted),
        ],
      }),
    ],
    every: 10,
    live: ["batch"],
    gap: 5000,
    signal,
  });
}

function batches(query, signal, setQuery) {
  const walk = pages(() => shown.refresh());
  const filters = h("span", { class: "chips" });
  const change = (name, value) => {
    setQuery({ [name]: value });
    if (value) query.set(name, value);
    else query.delete(name);
    walk.firstPage();
    showFilters();
    shown.refresh();
  };
  const origin = field("Origin", select(ORIGINS, query.get("origin") ?? "", (value) => change("origin", value)), { hideLabel: true });
  function showFilters() {
    replace(filters, ["day", "run", "batch"].filter((name) => query.get(name)).map((name) =>
      h("button", { type: "button", class: "button small", title: "Show all again", onclick: () => change(name, null) }, `${name} ${query.get(name).slice(0, 10)}`, icon("close"))));
  }
  const shown = panel({
    title: "Micro-batches",
    className: "flush",
    actions: [filters, origin.element],
    load({ signal }) {
      const batch = Number(query.get("batch"));
      // The list has no parameter for one batch: the first one in front of the next number is it.
      const place = batch > 0 ? { cursor: String(batch + 1), limit: 1 } : { cursor: walk.cursor(), limit: ROWS };
      return get("batches", { day: query.get("day"), run: query.get("run"), origin: query.get("origin"), ...place }, { signal });
    },
    empty: ({ data }) => (data.length ? null : "No micro-batch like this."),
    render({ data, pagination }) {
      walk.show(query.get("batch") ? { next: null } : pagination);
      return [table({ label: "Micro-batches", columns: COLUMNS, rows: data }), walk.element];
    },
    every: 10,
    live: ["batch"],
    gap: 3000,
    signal,
  });
  showFilters();
  return shown;
}

const COLUMNS = [
  { title: "Committed", className: "nowrap", cell: ({ committed_at }) => clock(committed_at, { milliseconds: true }) },
  { title: "Number", className: "number", cell: ({ batch_id }) => whole(batch_id) },
  { title: "Origin", cell: ({ origin }) => origin },
  number("Taken", ({ taken }) => taken, false),
  number("Stored", ({ stored }) => stored, false),
  number("Duplicates", ({ duplicates }) => duplicates),
  { title: "Dead letters", className: "number", cell: ({ dead_lettered, batch_id }) => (dead_lettered ? h("a", { href: link("/dead-letters", { batch_id }) }, whole(dead_lettered)) : amount(0)) },
  number("Too late", ({ too_late }) => too_late),
  number("Anomalies", ({ anomalies }) => anomalies),
  number("Retracted", ({ retracted }) => retracted),
  { title: "Waited", className: "number", cell: ({ oldest_received_at, committed_at }) => (oldest_received_at ? seconds((Date.parse(committed_at) - Date.parse(oldest_received_at)) / 1000) : "–") },
  { title: "Faulty rules", className: "number", cell: ({ rule_errors }) => Object.keys(rule_errors ?? {}).length ? h("span", { title: JSON.stringify(rule_errors) }, badge(whole(Object.keys(rule_errors).length), "warning")) : amount(0) },
  { title: "Dagster run", cell: ({ dagster_run_id, dagster_run_url }) => (dagster_run_id
    ? h("a", { href: dagster_run_url ?? "", target: "_blank", rel: "noopener", class: "mono" }, dagster_run_id.slice(0, 8), h("span", { class: "only-read" }, " opens in a new tab"))
    : "–") },
];

function amount(value, quiet = true) {
  return quiet && !value ? h("span", { class: "soft" }, "0") : whole(value);
}
