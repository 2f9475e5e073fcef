// Events as they are stored. It can be paused, and shows only what a condition is true for.

import { get } from "../api.js";
import { showEvent } from "../event_detail.js";
import { field, whenRested } from "../field.js";
import { h, replace } from "../html.js";
import { icon } from "../icon.js";
import { jsonLine } from "../json_view.js";
import { on } from "../live.js";
import { counted } from "../number.js";
import { panel } from "../panel.js";
import { shortcut } from "../shortcuts.js";
import { clock } from "../time.js";

const SHOWN = 50;

/** The live feed. After each micro-batch the newest events are asked for, at most once a second; what is on show keeps its element. */
export function feedPanel(chosen, signal) {
  let paused = false;
  let missed = 0;
  let rows = new Map();
  const list = h("ol", { class: "feed scrolls", tabindex: "0", "aria-label": "Newest events" });
  const where = field("Only events where", h("input", {
    type: "search", class: "mono", value: chosen.query.get("where") ?? "", placeholder: "Filter, e.g. payload.status >= 500 AND source = 'web'", spellcheck: "false", autocomplete: "off",
    oninput: whenRested((event) => chosen.change({ where: event.target.value.trim() || null }), 500),
  }), { hideLabel: true });
  const pause = h("button", { type: "button", class: "button small", "aria-pressed": "false", title: "Pause (p)", onclick: () => setPaused(!paused) });

  async function load({ signal }) {
    if (paused) return null;
    try {
      const { data } = await get("events", { limit: SHOWN, where: chosen.query.get("where"), ...chosen.filters() }, { signal });
      where.fail("");
      return data;
    } catch (fault) {
      if (fault.status !== 400) throw fault;
      where.fail(fault.message);
      return [];
    }
  }

  function render(events, body) {
    if (events === null) return;
    if (!list.isConnected) replace(body, where.element, list);
    if (events.length === 0) {
      rows = new Map();
      replace(list, h("li", { class: "empty" }, chosen.query.get("where") ? "No event like this yet." : "No events yet."));
      return;
    }
    const next = new Map(events.map((event) => [event.event_id, rows.get(event.event_id) ?? line(event, signal)]));
    const new_ = [...next].filter(([id]) => !rows.has(id));
    if (rows.size === 0 || new_.length === next.size) list.replaceChildren(...next.values());
    else {
      for (const [id, element] of rows) if (!next.has(id)) element.remove();
      list.prepend(...new_.map(([, element]) => element));
    }
    rows = next;
  }

  function setPaused(value) {
    paused = value;
    missed = 0;
    showPause();
    if (!paused) shown.refresh();
  }

  function showPause() {
    pause.setAttribute("aria-pressed", String(paused));
    replace(pause, icon(paused ? "play" : "pause"), paused ? (missed ? `Go on, ${counted(missed, "newer event")}` : "Go on") : "Pause");
  }

  on("batch", ({ stored }) => {
    if (!paused) return;
    missed += stored ?? 0;
    showPause();
  }, signal);
  shortcut("p", "Pause the live feed, or go on", () => setPaused(!paused), signal);
  showPause();
  const shown = panel({ title: "Live events", className: "area-feed", load, render, live: ["batch"], gap: 1000, every: 4, actions: pause, signal });
  chosen.onChange(() => { rows = new Map(); });
  return shown;
}

function line(event, signal) {
  return h("li", null, h("button", { type: "button", class: "feed-row", onclick: () => showEvent(event.event_id, signal, event) },
    h("time", { datetime: event.timestamp, title: "Event time" }, clock(event.timestamp)),
    h("b", null, event.event_type), h("span", { class: "soft" }, event.source), h("span", { class: "feed-payload" }, jsonLine(event.payload))));
}
