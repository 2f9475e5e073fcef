// One rule: how it is doing, what it says, what it would find, what it was. And a new one, before it is any.

import { ApiError, get, patch, post, remove } from "../api.js";
import { severity } from "../badge.js";
import { confirm } from "../dialog.js";
import { h, replace } from "../html.js";
import { panel, skeleton } from "../panel.js";
import { go, link } from "../router.js";
import { backtestPanel } from "../rules/backtest.js";
import { draft } from "../rules/draft.js";
import { editor } from "../rules/editor.js";
import { firesByDay } from "../rules/fires.js";
import { FIRST_DRAFT } from "../rules/kinds.js";
import { meaning, rests, stateBadge } from "../rules/state.js";
import { versionsPanel } from "../rules/versions.js";
import { ago, clock } from "../time.js";
import { say } from "../toast.js";

const SHOWN_ONLY = ["rule_id", "version", "created_at", "updated_at", "semantic_hash", "suspended_at", "limited_at", "limited_why", "last_error"];

/** A rule that stands. */
export async function open(view) {
  const { outlet, params, signal } = view;
  outlet.append(h("div", { class: "page-head" }, h("h1", null, "Rule")), h("div", { class: "panel padded" }, skeleton()));
  let stored;
  try {
    stored = await get(`rules/${encodeURIComponent(params.id)}`, {}, { signal });
  } catch (fault) {
    if (!signal.aborted) replace(outlet, h("div", { class: "page-head" }, h("h1", null, "Rule")), h("p", { class: "panel failed" }, fault.message));
    return;
  }
  if (signal.aborted) return;
  document.title = `${stored.name} · EventPulse`;
  show(view, stored);
}

/** A new rule, written from nothing. */
export function openNew(view) {
  show(view, null);
}

function show({ outlet, signal }, stored) {
  const ruleId = stored?.rule_id ?? null;
  let standing = stored && asSent(stored);
  const written = draft(standing ?? FIRST_DRAFT, signal, { fresh: standing === null });
  const write = editor(written);
  const trial = backtestPanel(written, ruleId, signal);
  const save = h("button", { type: "button", class: "button primary", disabled: true, onclick: keep }, stored ? "Save" : "Create the rule");
  const discard = h("button", { type: "button", class: "button", disabled: true, onclick: () => { written.put(standing, { at: "once" }); write.show(); } }, "Discard changes");
  const title = h("h1", null, stored?.name ?? "New rule");
  const doing = stored && doingPanel(stored, written, signal, (fields) => {
    standing = { ...standing, ...fields };
    for (const [key, value] of Object.entries(fields)) written.set([key], value);
    versions.refresh();
  });
  const versions = stored && versionsPanel(ruleId, (document) => { written.put(document, { at: "once" }); write.show(); say("That version is in the editor. Save it to make it count."); }, signal);
  written.on(showButtons);

  function showButtons() {
    const different = standing === null || JSON.stringify(standing) !== JSON.stringify(written.document);
    save.disabled = !written.valid || !different;
    discard.disabled = !standing || !different;
  }

  async function keep() {
    save.disabled = true;
    try {
      const answer = stored ? await patch(`rules/${ruleId}`, changes(standing, written.document)) : await post("rules", written.document);
      if (!stored) {
        say(`The rule "${answer.name}" counts from now on.`);
        go(`/rules/${answer.rule_id}`);
        return;
      }
      standing = asSent(answer);
      title.textContent = answer.name;
      say(`Saved as version ${answer.version}.`);
      doing.refresh();
      versions.refresh();
    } catch (fault) {
      say(fault instanceof ApiError ? fault.message : "It could not be saved.", "critical");
    }
    showButtons();
  }

  replace(outlet,
    h("div", { class: "page-head" }, h("nav", { class: "crumbs", "aria-label": "Back" }, h("a", { href: "#/rules" }, "Rules")), title),
    doing && doing.element,
    h("div", { class: "rule-page" },
      h("section", { class: "panel", "aria-labelledby": "write-title" },
        h("header", { class: "panel-head" }, h("h2", { id: "write-title", class: "panel-title" }, "The rule"), h("div", { class: "panel-actions" }, write.views)),
        h("div", { class: "panel-body" }, write.element, h("div", { class: "buttons" }, stored && discard, save))),
      h("div", { class: "stack" }, trial.element, versions && versions.element)));
}

function doingPanel(stored, written, signal, changed) {
  const { rule_id: ruleId } = stored;
  const act = (title, what, more = "") => h("button", { type: "button", class: `button small ${more}`, onclick: what }, title);
  async function change(fields, sentence) {
    try {
      const answer = fields === "resume" ? await post(`rules/${ruleId}/resume`) : await patch(`rules/${ruleId}`, fields);
      say(sentence);
      changed(fields === "resume" ? {} : Object.fromEntries(Object.keys(fields).map((key) => [key, answer[key]])));
    } catch (fault) {
      say(fault.message, "critical");
    }
    shown.refresh();
  }
  async function removeIt() {
    if (!await confirm("Remove this rule?", "It is not evaluated any more. Its versions and the anomalies that it found stay.", "Remove", { tone: "danger" })) return;
    try {
      await remove(`rules/${ruleId}`);
      say("The rule is removed.");
      go("/rules");
    } catch (fault) {
      say(fault.message, "critical");
    }
  }
  const shown = panel({
    title: "How it is doing",
    className: "doing",
    async load({ signal }) {
      const states = await get("rules/states", {}, { signal });
      return states.find((state) => state.rule_id === ruleId) ?? null;
    },
    empty: (state) => (state ? null : "This rule has been removed."),
    render: (state) => [
      h("dl", { class: "doing-facts" },
        fact("State", stateBadge(state.state)), fact("Severity", severity(state.severity)),
        fact("Last fired", state.last_fired_at ? h("time", { datetime: state.last_fired_at, title: clock(state.last_fired_at) }, ago(state.last_fired_at)) : "never"),
        fact("Fires by day", firesByDay(state.fires_by_day)),
        fact("Open alerts", h("a", { href: link("/alerts", { state: "unresolved", rule: state.name }) }, String(state.open_alerts))), fact("Version", String(state.version))),
      (state.last_error || state.limited_why || rests(state.state)) && h("p", { class: "doing-trouble" }, h("b", null, meaning(state.state)), " ", state.limited_why ?? state.last_error),
      h("div", { class: "buttons start" },
        rests(state.state) || state.state === "failing" ? act("Resume", () => change("resume", "It is tried again from the next micro-batch on."), "primary") : null,
        state.state === "disabled" ? act("Enable", () => change({ enabled: true }, "The rule is enabled.")) : act("Disable", () => change({ enabled: false }, "The rule is disabled.")),
        written.document?.mode === "shadow" ? act("Let it notify", () => change({ mode: "live" }, "The rule is live.")) : act("Into the shadow", () => change({ mode: "shadow" }, "It is judged, and notifies nobody.")),
        act("Remove", removeIt, "danger")),
    ],
    live: ["alert"],
    gap: 5000,
    every: 15,
    signal,
  });
  return shown;
}

function fact(name, value) {
  return h("div", null, h("dt", null, name), h("dd", null, value));
}

function asSent(stored) {
  return Object.fromEntries(Object.entries(stored).filter(([key]) => !SHOWN_ONLY.includes(key)));
}

/** The fields that differ, and null for those that went. */
function changes(before, after) {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)].filter((key) => !SHOWN_ONLY.includes(key)));
  return Object.fromEntries([...keys].filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key])).map((key) => [key, after[key] ?? null]));
}
