// Find events: by a condition, a stretch of event time, a type, a source; and one event by its address.

import { get } from "../api.js";
import { eventFacts, showEvent } from "../event_detail.js";
import { field, whenRested } from "../field.js";
import { h, replace } from "../html.js";
import { jsonLine } from "../json_view.js";
import { whole } from "../number.js";
import { panel } from "../panel.js";
import { shortcut } from "../shortcuts.js";
import { pages, table } from "../table.js";
import { clock, fromInput, toInput, zoneName } from "../time.js";

const ROWS = 100;
const COLUMNS = [
  { title: "Event time", className: "nowrap", cell: ({ timestamp }) => h("time", { datetime: timestamp }, clock(timestamp, { milliseconds: true })) },
  { title: "Type", cell: ({ event_type }) => h("b", null, event_type) },
  { title: "Source", cell: ({ source }) => source },
  { title: "Payload", className: "wide", cell: ({ payload }) => h("span", { class: "clip mono soft" }, jsonLine(payload)) },
];

/** The search. Everything that is asked stands in the address: where, from, to, type, source. */
export function open({ outlet, query, signal, setQuery }) {
  const walk = pages(() => shown.refresh());
  const changed = (name, value) => {
    setQuery({ [name]: value });
    if (value) query.set(name, value);
    else query.delete(name);
    walk.firstPage();
    shown.refresh();
  };
  const text = (name, label, more = {}) => field(label, h("input", {
    type: "search", value: query.get(name) ?? "", spellcheck: "false", autocomplete: "off", oninput: whenRested((event) => changed(name, event.target.value.trim()), 400), ...more,
  }), more.field);
  const instant = (name, label) => field(label, h("input", {
    type: "datetime-local", step: "1", value: toInput(query.get(name)), onchange: (event) => changed(name, fromInput(event.target.value)),
  }));
  const where = text("where", "Where", { class: "mono", placeholder: "payload.status >= 500 AND payload.path LIKE '/cart%'", field: { className: "grow" } });
  shortcut("/", "To the search", () => where.control.focus(), signal);

  async function load({ signal }) {
    const asked = { where: query.get("where"), from: query.get("from"), to: query.get("to"), event_type: query.get("type"), source: query.get("source") };
    try {
      const answer = await get("events", { ...asked, limit: ROWS, cursor: walk.cursor() }, { signal });
      where.fail("");
      return answer;
    } catch (fault) {
      if (fault.status !== 400) throw fault;
      where.fail(fault.message);
      return null;
    }
  }

  function render(answer, body) {
    if (answer === null) {
      body.classList.add("waiting");
      return undefined;
    }
    body.classList.remove("waiting");
    const { data, pagination } = answer;
    const { scanned, next } = pagination;
    walk.show(pagination);
    shown.setNote(scanned === undefined ? "newest stored first" : `newest stored first · looked at ${whole(scanned)} events`);
    const older = next && data.length < ROWS && h("div", { class: "empty" },
      h("p", null, data.length ? "There may be more further back: a search looks at so many events at a time." : `None of the newest ${whole(scanned)} events on this page.`),
      h("button", { type: "button", class: "button small", onclick: () => walk.older() }, "Search further back"));
    const none = !next && data.length === 0 && h("p", { class: "empty" }, "No event like this is stored.");
    return [data.length > 0 && table({ label: "Events", columns: COLUMNS, rows: data, open: (event) => showEvent(event.event_id, signal, event) }), older, none, walk.element];
  }

  const shown = panel({ title: "Events", className: "flush", load, render, every: 20, signal });
  outlet.append(
    h("div", { class: "page-head" }, h("h1", null, "Events")),
    h("form", { class: "bar", role: "search", onsubmit: (event) => event.preventDefault() },
      where.element, instant("from", `From (${zoneName()})`).element, instant("to", "To").element, text("type", "Type").element, text("source", "Source").element),
    shown.element,
  );
}

/** One event as a page of its own. */
export function openOne({ outlet, params, signal }) {
  const content = h("div", { class: "panel padded" });
  outlet.append(h("div", { class: "page-head" }, h("nav", { class: "crumbs", "aria-label": "Back" }, h("a", { href: "#/events" }, "Events")), h("h1", null, "Event")), content);
  get(`events/${encodeURIComponent(params.id)}`, {}, { signal }).then(
    (event) => replace(content, eventFacts(event, 2)),
    (fault) => signal.aborted || replace(content, h("p", { class: "failed" }, fault.message)),
  );
}
