// Whether each part works, as the parts themselves say.

import { get } from "../api.js";
import { badge } from "../badge.js";
import { h } from "../html.js";
import { connection } from "../live.js";
import { panel } from "../panel.js";
import { ago, span } from "../time.js";

/** The panel of parts. Not being reached is an answer here, no error. */
export function healthPanel(chosen, signal) {
  const evenIfIll = (fault) => fault.body ?? Promise.reject(fault);
  return panel({
    title: "Health",
    className: "area-health",
    async load({ signal }) {
      const [health, ready] = await Promise.all([
        get("events/health", {}, { signal }).catch(evenIfIll),
        get("readyz", {}, { signal }).catch(evenIfIll),
      ]);
      return { health, ready };
    },
    render({ health, ready }) {
      return h("ul", { class: "parts" },
        part("HTTP API", true, "answers"),
        part("Redis", ready.redis === "ok", ready.redis === "ok" ? "answers" : "cannot be reached"),
        part("PostgreSQL", ready.database === "ok", ready.database === "ok" ? "answers" : "cannot be reached"),
        part("Drain", health.worker === "ok", worker(health), health.worker === "degraded" ? "warning" : "critical"),
        part("Live messages", connection.state === "open", connection.state === "open" ? `for ${span(Date.now() - connection.since)}` : "not connected"));
    },
    every: 5,
    signal,
  });
}

function part(name, well, words, tone = "critical") {
  return h("li", null, h("span", null, name), h("span", { class: "soft" }, words), badge(well ? "ok" : { warning: "behind", critical: "down" }[tone], well ? "ok" : tone));
}

function worker({ worker, worker_heartbeat_at }) {
  if (worker === "unknown") return "nobody leads";
  return `heartbeat ${ago(worker_heartbeat_at)}`;
}
