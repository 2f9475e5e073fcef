// Where an alert stands, as a label; and what can be done about it.

import { badge } from "../badge.js";

const TONES = { open: "critical", acknowledged: "info", resolved: "ok" };
const RESOLUTIONS = { ended: "it ended", person: "a person resolved it", retracted: "later events disproved it", rule_removed: "its rule was removed" };

/** The label of an alert's state. */
export function stateOf(alert) {
  return badge(alert.state, TONES[alert.state] ?? "quiet");
}

/** Why a resolved alert is resolved, in words. */
export const resolutionOf = ({ resolution }) => RESOLUTIONS[resolution] ?? resolution ?? "";

/** What can be done with an alert in this state: [path of the API, word on the button, sentence afterwards]. */
export function possible({ state }) {
  return {
    open: [["acknowledge", "Acknowledge", "Acknowledged."], ["resolve", "Resolve", "Resolved."]],
    acknowledged: [["unacknowledge", "Take the acknowledgement back", "Open again."], ["resolve", "Resolve", "Resolved."]],
    resolved: [],
  }[state] ?? [];
}
