// Channels: where alerts are told of, how each is doing, and what was sent or not, with the reason.

import { ApiError, get, patch, post, remove } from "../api.js";
import { badge } from "../badge.js";
import { confirm } from "../dialog.js";
import { field, select } from "../field.js";
import { h } from "../html.js";
import { askForChannel } from "../notify/channel_form.js";
import { DELIVERY_COLUMNS, DELIVERY_STATES } from "../notify/deliveries.js";
import { matcherText } from "../notify/matcher.js";
import { counted } from "../number.js";
import { panel } from "../panel.js";
import { pages, table } from "../table.js";
import { ago, clock } from "../time.js";
import { say } from "../toast.js";

const ROWS = 50;
const TONES = { ok: "ok", failing: "warning", dead: "critical", disabled: "quiet" };

/** The page. The address may name a channel and a state of deliveries. */
export function open({ outlet, query, signal, setQuery }) {
  const deliveries = deliveriesPanel(query, signal, setQuery);
  const channels = channelsPanel(signal, deliveries);
  outlet.append(
    h("div", { class: "page-head" }, h("h1", null, "Channels"), h("button", { type: "button", class: "button primary", onclick: () => askForChannel(null, signal, channels.refresh) }, "New channel")),
    h("div", { class: "stack" }, channels.element, deliveries.element),
  );
}

function channelsPanel(signal, deliveries) {
  const act = (word, what, more = "") => h("button", { type: "button", class: `button small ${more}`, onclick: what }, word);

  async function done(work, sentence) {
    try {
      await work();
      say(sentence);
    } catch (fault) {
      if (!(fault instanceof ApiError)) throw fault;
      say(fault.message, "critical");
    }
    shown.refresh();
  }

  async function test(channel, button) {
    button.disabled = true;
    try {
      const delivery = await post(`channels/${channel.channel_id}/test`);
      if (delivery.state === "sent") say(`The test has gone out over ${channel.name}.`);
      else say(`The test did not go out: ${delivery.last_error ?? delivery.reason}`, "critical");
    } catch (fault) {
      say(fault.message, "critical");
    }
    button.disabled = false;
    shown.refresh();
    deliveries.refresh();
  }

  async function removeIt(channel) {
    if (!await confirm(`Remove ${channel.name}?`, "Nothing is sent there any more. What was sent stays on record; what was not is held for good.", "Remove", { tone: "danger" })) return;
    await done(() => remove(`channels/${channel.channel_id}`), "The channel is removed.");
  }

  const columns = [
    { title: "State", className: "nowrap", cell: ({ state }) => badge(state, TONES[state] ?? "quiet") },
    { title: "Channel", className: "nowrap", cell: (channel) => h("span", { class: "alert-words" }, h("b", null, channel.name), h("span", { class: "mono soft" }, channel.url)) },
    { title: "Takes", className: "wide", cell: ({ matcher }) => matcherText(matcher) },
    { title: "Last sent", className: "nowrap", cell: ({ last_sent_at: at }) => (at ? h("time", { datetime: at, title: clock(at, { day: "always" }) }, ago(at)) : h("span", { class: "soft" }, "never")) },
    { title: "Trouble", className: "wide", cell: (channel) => trouble(channel) },
    { title: "", unseen: "What to do", className: "nowrap", cell: (channel) => {
      const button = act("Send a test", () => test(channel, button));
      return h("span", { class: "buttons row" }, button, act("Change", () => askForChannel(channel, signal, () => shown.refresh())),
        act(channel.enabled ? "Disable" : "Enable", () => done(() => patch(`channels/${channel.channel_id}`, { enabled: !channel.enabled }), channel.enabled ? "The channel is disabled." : "The channel is enabled.")),
        act("Remove", () => removeIt(channel), "danger"));
    } },
  ];
  const shown = panel({
    title: "Channels",
    className: "flush",
    load: ({ signal }) => get("channels", {}, { signal }),
    empty: (channels) => (channels.length ? null : h("div", { class: "empty" }, h("p", null, "There is no channel yet, so nobody is told of alerts."),
      h("button", { type: "button", class: "button primary", onclick: () => askForChannel(null, signal, () => shown.refresh()) }, "Make the first one"))),
    render(channels) {
      shown.setNote(counted(channels.length, "channel"));
      return table({ label: "Channels", columns, rows: channels });
    },
    every: 10,
    signal,
  });
  return shown;
}

function deliveriesPanel(query, signal, setQuery) {
  const walk = pages(() => shown.refresh());
  const state = field("State", select([["", "All states"], ...DELIVERY_STATES.map((one) => [one, one.replace("_", " ")])], query.get("state") ?? "", (value) => {
    setQuery({ state: value });
    query.set("state", value);
    walk.firstPage();
    shown.refresh();
  }), { hideLabel: true });
  const shown = panel({
    title: "Deliveries",
    className: "flush",
    actions: state.element,
    load: ({ signal }) => get("deliveries", { state: query.get("state"), channel_id: query.get("channel"), limit: ROWS, cursor: walk.cursor() }, { signal }),
    empty: ({ data }) => (data.length ? null : "Nothing here. Each alert leaves a line, sent or not, with the reason."),
    render({ data, pagination }) {
      walk.show(pagination);
      return [table({ label: "Deliveries", columns: DELIVERY_COLUMNS, rows: data }), walk.element];
    },
    live: ["alert"],
    gap: 3000,
    every: 10,
    signal,
  });
  return shown;
}

function trouble({ failures, last_error: error, waits_why: why }) {
  const said = [why ?? (failures > 0 && `${counted(failures, "failure")} in a row`), error].filter(Boolean).join(" · ");
  return said && h("span", { class: "trouble" }, said);
}
