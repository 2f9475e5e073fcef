// One event, whole, over the page: everything that is known of it, and where it went.

import { get } from "./api.js";
import { dialog } from "./dialog.js";
import { h, replace } from "./html.js";
import { jsonView } from "./json_view.js";
import { skeleton } from "./panel.js";
import { link } from "./router.js";
import { clock } from "./time.js";

/** Show an event; `known` is what the page has of it already. */
export async function showEvent(eventId, signal, known = null) {
  const content = h("div", null, known ? eventFacts(known) : skeleton());
  dialog(known ? known.event_type : "Event", content, { signal, wide: true });
  if (known) return;
  try {
    replace(content, eventFacts(await get(`events/${encodeURIComponent(eventId)}`, {}, { signal })));
  } catch (fault) {
    if (!signal?.aborted) replace(content, h("p", { class: "failed" }, fault.message));
  }
}

/** What is known of an event, as elements; their headings stand a level below the one around them. */
export function eventFacts(event, level = 3) {
  const at = (instant) => (instant ? [h("time", { datetime: instant }, clock(instant, { milliseconds: true, day: "always" }))] : "–");
  return [
    h("dl", { class: "facts" },
      h("dt", null, "Type"), h("dd", null, h("a", { href: link("/events", { type: event.event_type }) }, event.event_type)),
      h("dt", null, "Source"), h("dd", null, h("a", { href: link("/events", { source: event.source }) }, event.source)),
      h("dt", null, "Event time"), h("dd", null, at(event.timestamp)),
      h("dt", null, "Received"), h("dd", null, at(event.received_at)),
      h("dt", null, "Id"), h("dd", { class: "mono" }, h("a", { href: link(`/events/${event.event_id}`) }, event.event_id)),
      h("dt", null, "Micro-batch"), h("dd", null, event.batch_id === null ? "–" : h("a", { href: link("/batches", { batch: event.batch_id }) }, String(event.batch_id)),
        event.origin && event.origin !== "live" ? ` (${event.origin})` : null)),
    h(`h${level}`, null, "Payload"), jsonView(event.payload, "Payload"),
    Object.keys(event.metadata ?? {}).length ? [h(`h${level}`, null, "Metadata"), jsonView(event.metadata, "Metadata")] : null,
  ];
}
