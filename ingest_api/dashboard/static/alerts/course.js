// The chart of an alert: what its rule looked at in this group, before, during and after; and whether a fresh evaluation agrees.

import { ApiError, get, post, wasLeft } from "../api.js";
import { badge } from "../badge.js";
import { h, replace } from "../html.js";
import { counted, whole } from "../number.js";
import { panel } from "../panel.js";
import { courseChart } from "../rules/course.js";
import { clock } from "../time.js";

const LEAST_AROUND = 2 * 60_000;
const MOST_ANOMALIES = 500;

/** The panel; `alert()` is the alert as it is now. */
export function coursePanel(alert, signal) {
  const picture = courseChart({ height: 280, signal });
  const verdict = h("div", { class: "verdict", role: "status", "aria-live": "polite" });
  const again = h("button", { type: "button", class: "button small", onclick: evaluate }, "Re-evaluate");

  function stretch() {
    const { opened_at: opened, last_at: last, ended_at: ended, anomalies, rule } = alert();
    const window = 1000 * (rule?.window_seconds ?? 60);
    const begin = Math.min(Date.parse(opened), ...anomalies.map((anomaly) => Date.parse(anomaly.window_start)));
    const end = Math.max(Date.parse(last), ended ? Date.parse(ended) : 0);
    const around = Math.max(LEAST_AROUND, 2.5 * window, (end - begin) / 4);
    return { from: begin - around, to: end + around };
  }

  /** The rule as it read when it opened this alert: by its id while that still says the same, or else its document. */
  async function asItWas(signal) {
    const { rule_id: id, rule, rule_version: version, resolution } = alert();
    if (rule === null) throw new ApiError("The rule is not there any more, so its course cannot be drawn.", 404);
    if (resolution === "rule_removed") return { asked: { rule }, changed: true };
    try {
      const standing = await get(`rules/${id}`, {}, { signal });
      if (standing.version === version) return { asked: { rule_id: id }, changed: false };
    } catch (fault) {
      if (fault.status !== 404) throw fault;
    }
    return { asked: { rule }, changed: true };
  }

  async function series(signal) {
    const { from, to } = stretch();
    const { asked, changed } = await asItWas(signal);
    const { group } = alert();
    const whole = Object.keys(group ?? {}).length ? { group } : {};
    const found = await post("rules/series", { ...asked, ...whole, from: new Date(from).toISOString(), to: new Date(to).toISOString() }, { signal });
    return { found, from, to, changed };
  }

  async function evaluate() {
    again.disabled = true;
    replace(verdict, h("p", { class: "soft" }, "Evaluating …"));
    try {
      const { opened_at: opened, last_at: last, alert_id: id } = alert();
      const [{ found, changed }, stand] = await Promise.all([series(signal), get("anomalies", { alert_id: id, limit: MOST_ANOMALIES }, { signal })]);
      const inside = (at) => at >= Date.parse(opened) && at <= Date.parse(last);
      const fresh = new Set(found.anomalies.map(({ at }) => Date.parse(at)).filter(inside));
      const kept = new Set(stand.data.map(({ occurred_at: at }) => Date.parse(at)));
      if (stand.pagination.next || found.anomaly_count > found.anomalies.length) {
        replace(verdict, h("p", null, badge("too many to compare", "quiet"), ` More than ${whole(Math.min(MOST_ANOMALIES, found.anomalies.length))} anomalies. The audit of the day compares them all.`));
        return;
      }
      const missing = [...fresh].filter((at) => !kept.has(at)).length;
      const extra = [...kept].filter((at) => !fresh.has(at)).length;
      const agrees = missing === 0 && extra === 0;
      replace(verdict, h("p", null, badge(agrees ? "agrees" : "differs", agrees ? "ok" : "warning"),
        agrees ? ` Evaluated afresh over the stored events just now (${clock(Date.now())}), the rule finds the same ${counted(kept.size, "anomaly", "anomalies")}.`
          : ` Evaluated afresh, the rule finds ${whole(missing)} that the alert does not have, and not ${whole(extra)} of those that it has. Events may have been removed by retention; the audit of the day says more.`,
        changed ? " The rule has changed since; it was evaluated as it read then." : ""));
    } catch (fault) {
      if (!wasLeft(fault) && !signal.aborted) replace(verdict, h("p", { class: "failed-words" }, fault.message));
    } finally {
      again.disabled = false;
    }
  }

  const shown = panel({
    title: "What happened",
    className: "course",
    load: ({ signal }) => series(signal),
    render({ found, from, to, changed }, body) {
      const { severity, anomalies } = alert();
      const [newest] = anomalies;
      if (!picture.element.isConnected) replace(body, picture.element, verdict);
      picture.draw(found, { from, to, tone: severity, window: newest ? [Date.parse(newest.window_start), Date.parse(newest.window_end)] : null });
      shown.setNote(changed ? "the rule as it read then" : "value against what was expected");
    },
    actions: again,
    live: ["alert"],
    gap: 5000,
    every: 30,
    signal,
  });
  return shown;
}
