// What was sent and what was not, each with its reason.

import { badge } from "../badge.js";
import { h } from "../html.js";
import { counted, whole } from "../number.js";
import { link } from "../router.js";
import { ago, clock } from "../time.js";

const TONES = { waiting: "info", sending: "info", sent: "ok", held: "quiet", failed: "warning", gave_up: "critical" };
export const DELIVERY_STATES = Object.keys(TONES);

const at = (instant) => (instant ? h("time", { datetime: instant, title: clock(instant, { day: "always" }) }, ago(instant)) : "–");

/** Columns of a table of deliveries. */
export const DELIVERY_COLUMNS = [
  { title: "State", className: "nowrap", cell: ({ state }) => badge(state.replace("_", " "), TONES[state] ?? "quiet") },
  { title: "Channel", cell: (delivery) => delivery.channel_name || h("span", { class: "soft" }, "none") },
  { title: "What", className: "wide", cell: (delivery) => h("span", { class: "alert-words" }, h("span", null, delivery.subject ?? unwritten(delivery)), h("span", { class: "soft" }, why(delivery))) },
  { title: "Alerts", className: "nowrap", cell: ({ alert_ids: ids, alerts }) => (ids.length === 1 ? h("a", { href: link(`/alerts/${ids[0]}`) }, "1 alert") : counted(alerts, "alert")) },
  { title: "Tries", className: "number", cell: ({ attempts }) => whole(attempts) },
  { title: "When", className: "nowrap", cell: (delivery) => (delivery.sent_at ? at(delivery.sent_at) : [h("span", { class: "soft" }, delivery.due_at ? "due " : ""), at(delivery.due_at ?? delivery.created_at)]) },
];

/** What to call a message that has no words yet, or never gets any. */
function unwritten({ state, reminder }) {
  if (reminder) return "Reminder";
  return state === "held" ? "Not sent" : "Not written yet";
}

function why({ state, reason, last_error: error }) {
  return [reason !== state && reason, error].filter(Boolean).join(" · ");
}
