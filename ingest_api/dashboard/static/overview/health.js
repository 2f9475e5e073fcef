// Whether each part works, as the parts themselves say.

import { get } from "../api.js";
import { badge } from "../badge.js";
import { h } from "../html.js";
import { connection } from "../live.js";
import { whole } from "../number.js";
import { panel } from "../panel.js";
import { ago, span } from "../time.js";

/** The panel of parts. Not being reached is an answer here, no error. */
export function healthPanel(chosen, signal) {
  const evenIfIll = (fault) => fault.body ?? Promise.reject(fault);
  return panel({
    title: "Health",
    className: "area-health",
    async load({ signal }) {
      const [health, ready, sending] = await Promise.all([
        get("events/health", {}, { signal }).catch(evenIfIll),
        get("readyz", {}, { signal }).catch(evenIfIll),
        get("notifications/health", {}, { signal }).catch(evenIfIll),
      ]);
      return { health, ready, sending };
    },
    render({ health, ready, sending }) {
      return h("ul", { class: "parts" },
        part("HTTP API", true, "answers"),
        part("Redis", ready.redis === "ok", ready.redis === "ok" ? "answers" : "cannot be reached"),
        part("PostgreSQL", ready.database === "ok", ready.database === "ok" ? "answers" : "cannot be reached"),
        part("Drain", health.worker === "ok", worker(health), health.worker === "degraded" ? "warning" : "critical"),
        ...notifications(sending),
        part("Live messages", connection.state === "open", connection.state === "open" ? `for ${span(Date.now() - connection.since)}` : "not connected"));
    },
    every: 5,
    signal,
  });
}

function part(name, well, words, tone = "critical", bad = { warning: "behind", critical: "down" }[tone]) {
  return h("li", null, h("span", null, name), h("span", { class: "soft" }, words), badge(well ? "ok" : bad, well ? "ok" : tone));
}

/** Who sends notifications, and the channels; nothing while that cannot be asked. */
function notifications(sending) {
  if (!sending?.sender) return [];
  const { sender, waiting, unrouted, oldest_seconds, unrouted_seconds, channels, failing } = sending;
  const still = waiting + unrouted;
  const oldest = span(1000 * Math.max(oldest_seconds ?? 0, unrouted_seconds ?? 0));
  const words = still ? `${whole(still)} to send, the oldest for ${oldest}` : "nothing waits";
  const dead = failing.filter(({ state }) => state === "dead").length;
  return [
    part("Sender", sender === "ok", sender === "nobody" && !still ? "nobody sends" : words, sender === "late" ? "warning" : "critical"),
    h("li", null, h("a", { href: "#/channels" }, "Channels"), h("span", { class: "soft" }, channelWords(channels, failing, dead)),
      badge(dead ? "dead" : failing.length ? "failing" : channels ? "ok" : "none", dead ? "critical" : failing.length ? "warning" : channels ? "ok" : "quiet")),
  ];
}

function channelWords(channels, failing, dead) {
  if (!channels) return "nobody is told";
  if (!failing.length) return `${whole(channels)} enabled`;
  const worst = failing.filter(({ state }) => !dead || state === "dead");
  return `${whole(worst.length)} of ${whole(channels)}: ${worst.map(({ name }) => name).join(", ")}`;
}

function worker({ worker, worker_heartbeat_at }) {
  if (worker === "unknown") return "nobody leads";
  return `heartbeat ${ago(worker_heartbeat_at)}`;
}
