// Silences and inhibitions: what is not told of, until when, by whom, and why.

import { ApiError, get, post, remove } from "../api.js";
import { badge } from "../badge.js";
import { confirm, dialog } from "../dialog.js";
import { field } from "../field.js";
import { h, replace } from "../html.js";
import { matcherFields, matcherText } from "../notify/matcher.js";
import { askForSilence } from "../notify/silence_form.js";
import { panel } from "../panel.js";
import { table } from "../table.js";
import { ago, clock } from "../time.js";
import { say } from "../toast.js";

const TONES = { active: "warning", pending: "info", expired: "quiet" };
const at = (instant) => h("time", { datetime: instant, title: clock(instant, { day: "always" }) }, ago(instant));

/** The page. */
export function open({ outlet, signal }) {
  const silences = silencesPanel(signal);
  outlet.append(
    h("div", { class: "page-head" }, h("h1", null, "Silences"), h("button", { type: "button", class: "button primary", onclick: () => askForSilence({}, signal, silences.refresh) }, "New silence")),
    h("div", { class: "stack" }, silences.element, inhibitionsPanel(signal).element),
  );
}

async function ended(path, sentence, shown) {
  try {
    await remove(path);
    say(sentence);
  } catch (fault) {
    if (!(fault instanceof ApiError)) throw fault;
    say(fault.message, "critical");
  }
  shown.refresh();
}

function silencesPanel(signal) {
  const end = (silence) => ended(`silences/${silence.silence_id}`, "The silence is over. What still fires is told of.", shown);
  const columns = [
    { title: "State", className: "nowrap", cell: ({ state }) => badge(state, TONES[state] ?? "quiet") },
    { title: "Hides", className: "wide", cell: ({ matcher }) => matcherText(matcher) },
    { title: "Why", className: "wide", cell: ({ reason }) => reason },
    { title: "Who", cell: ({ owner }) => owner },
    { title: "Begins", className: "nowrap", cell: ({ starts_at: starts }) => at(starts) },
    { title: "Ends", className: "nowrap", cell: ({ ends_at: ends }) => at(ends) },
    { title: "", unseen: "What to do", className: "nowrap", cell: (silence) => silence.state !== "expired" && h("button", { type: "button", class: "button small", onclick: () => end(silence) }, "End it now") },
  ];
  const shown = panel({
    title: "Silences",
    className: "flush",
    load: ({ signal }) => get("silences", {}, { signal }),
    empty: (silences) => (silences.length ? null : "Nothing is silenced. A silence hides messages, not alerts."),
    render: (silences) => table({ label: "Silences", columns, rows: silences, mark: ({ state }) => (state === "expired" ? "over" : null) }),
    every: 15,
    signal,
  });
  return shown;
}

function inhibitionsPanel(signal) {
  async function removeIt(inhibition) {
    if (!await confirm("Remove this inhibition?", "What it held back is told of again.", "Remove", { tone: "danger" })) return;
    await ended(`inhibitions/${inhibition.inhibition_id}`, "The inhibition is removed.", shown);
  }
  const columns = [
    { title: "While this fires", className: "wide", cell: ({ source }) => matcherText(source) },
    { title: "this is held", className: "wide", cell: ({ target }) => matcherText(target) },
    { title: "where they are alike in", cell: ({ equal }) => equal.join(", ") || h("span", { class: "soft" }, "nothing in particular") },
    { title: "", unseen: "What to do", className: "nowrap", cell: (inhibition) => h("button", { type: "button", class: "button small danger", onclick: () => removeIt(inhibition) }, "Remove") },
  ];
  const shown = panel({
    title: "Inhibitions",
    className: "flush",
    actions: h("button", { type: "button", class: "button small", onclick: () => askForInhibition(signal, () => shown.refresh()) }, "New inhibition"),
    load: ({ signal }) => get("inhibitions", {}, { signal }),
    empty: (inhibitions) => (inhibitions.length ? null : "No alert holds others back."),
    render: (inhibitions) => table({ label: "Inhibitions", columns, rows: inhibitions }),
    every: 30,
    signal,
  });
  return shown;
}

function askForInhibition(signal, made) {
  const source = matcherFields({}, { title: "While an alert like this fires" });
  const target = matcherFields({}, { title: "alerts like this are held" });
  const equal = field("where both are alike in", h("input", { class: "mono", spellcheck: "false", placeholder: "labels.service, group.payload.ip" }));
  const trouble = h("p", { class: "field-error", role: "alert" });
  async function save(event) {
    event.preventDefault();
    try {
      await post("inhibitions", { source: source.value(), target: target.value(), equal: equal.control.value.split(",").map((one) => one.trim()).filter(Boolean) });
      opened.close();
      say("The inhibition holds.");
      made();
    } catch (fault) {
      if (!(fault instanceof ApiError || fault instanceof SyntaxError)) throw fault;
      replace(trouble, fault.message);
    }
  }
  const opened = dialog("New inhibition", h("form", { class: "stack", onsubmit: save }, source.element, target.element, equal.element, trouble,
    h("div", { class: "buttons" }, h("button", { type: "submit", class: "button primary" }, "Make it"))), { signal });
}
