// How a rule is doing, as a label, and in words.

import { badge } from "../badge.js";

const TONES = { live: "ok", shadow: "info", preparing: "info", disabled: "quiet", failing: "warning", suspended: "critical", limited: "critical" };
export const STATES = Object.keys(TONES);

const MEANINGS = {
  live: "Every event is judged by it.",
  shadow: "Every event is judged by it; it never notifies.",
  disabled: "It is not evaluated.",
  failing: "Its last micro-batches failed. It is tried again with each one.",
  suspended: "It failed five times in a row and rests, until it is edited or resumed.",
  preparing: "It is new and looks back over all of history. That is being read; it is evaluated from then on.",
  limited: "It has more groups than its limit and rests, until it is edited or resumed.",
};

/** The label of a state. */
export function stateBadge(state) {
  const element = badge(state, TONES[state] ?? "quiet");
  element.title = MEANINGS[state] ?? "";
  return element;
}

/** What a state means, in a sentence. */
export const meaning = (state) => MEANINGS[state] ?? "";

/** Whether a rule in this state waits for somebody to resume it. */
export const rests = (state) => state === "suspended" || state === "limited";
