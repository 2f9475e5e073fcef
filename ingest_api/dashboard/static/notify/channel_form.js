// A channel in a dialog: where messages go, which alerts they are about, how they gather, and when.

import { ApiError, patch, post } from "../api.js";
import { dialog } from "../dialog.js";
import { field, select } from "../field.js";
import { h, replace } from "../html.js";
import { say } from "../toast.js";
import { hoursOf, hoursText } from "./hours.js";
import { matcherFields } from "./matcher.js";

const NEW = {
  name: "", kind: "apprise", matcher: {}, group_by: ["rule"], group_wait_seconds: 10, group_interval_seconds: 60, repeat_interval_seconds: 14_400,
  active_hours: [], time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone, send_resolved: true, max_per_minute: 20,
};

/** Ask for a channel; `standing` is the one to be changed, or null for a new one. `kept` is called once it is there. */
export function askForChannel(standing, signal, kept) {
  const channel = standing ?? NEW;
  const input = (more) => h("input", { autocomplete: "off", spellcheck: "false", ...more });
  const seconds = (label, name, hint) => field(label, input({ type: "number", min: 0, step: 1, value: channel[name] }), { hint });
  const name = field("Name", input({ value: channel.name, required: true, maxlength: 255 }));
  const kind = field("Kind", select([["apprise", "Apprise: Slack, mail, …"], ["webhook", "Signed webhook"]], channel.kind, () => showSecret()));
  const url = field("Address", input({ class: "mono", required: !standing, placeholder: standing ? `${standing.url}: stays as it is` : "slack://…, mailtos://…, https://…" }), {
    hint: "It is kept encrypted and never shown again.", className: "wide",
  });
  const secret = field("Secret", input({ type: "password", minlength: 16, autocomplete: "new-password" }), { hint: "Signs what is sent, at least 16 characters", className: "wide" });
  const which = matcherFields(channel.matcher, { title: "Which alerts it takes; nothing means all" });
  const groupBy = field("One message for each", input({ class: "mono", value: channel.group_by.join(", ") }), { hint: "rule, severity, labels.team, group.payload.ip" });
  const times = {
    group_wait_seconds: seconds("Waits, seconds", "group_wait_seconds", "for others that belong together"),
    group_interval_seconds: seconds("Then at most each", "group_interval_seconds", "seconds, one message"),
    repeat_interval_seconds: seconds("Reminds after", "repeat_interval_seconds", "seconds; 0: never"),
    max_per_minute: seconds("At most a minute", "max_per_minute", "messages; the rest becomes a digest"),
  };
  const hours = field("Active hours", h("textarea", { rows: 2, class: "mono", placeholder: "mon-fri 08:00-18:00", value: hoursText(channel.active_hours) }), { hint: "One stretch a line. Nothing: always" });
  const zone = field("Time zone", input({ value: channel.time_zone }));
  const resolved = h("input", { type: "checkbox", checked: channel.send_resolved, id: "send-resolved" });
  const trouble = h("p", { class: "field-error", role: "alert" });

  function showSecret() {
    secret.element.hidden = kind.control.value !== "webhook";
  }

  function written() {
    const found = {
      name: name.control.value.trim(), kind: kind.control.value, matcher: which.value(), group_by: groupBy.control.value.split(",").map((one) => one.trim()).filter(Boolean),
      active_hours: hoursOf(hours.control.value), time_zone: zone.control.value.trim(), send_resolved: resolved.checked,
      ...Object.fromEntries(Object.entries(times).map(([key, { control }]) => [key, Number(control.value)])),
    };
    if (url.control.value.trim()) found.url = url.control.value.trim();
    if (!secret.element.hidden && secret.control.value) found.secret = secret.control.value;
    if (!standing) return found;
    return Object.fromEntries(Object.entries(found).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(standing[key])));
  }

  async function save(event) {
    event.preventDefault();
    replace(trouble);
    try {
      const changes = written();
      if (!standing) await post("channels", changes);
      else if (Object.keys(changes).length) await patch(`channels/${standing.channel_id}`, changes);
      opened.close();
      say(standing ? "The channel is changed." : "The channel is there. Send a test to see that it arrives.");
      kept();
    } catch (fault) {
      if (!(fault instanceof ApiError || fault instanceof SyntaxError || fault instanceof RangeError)) throw fault;
      replace(trouble, fault.message);
    }
  }

  showSecret();
  const opened = dialog(standing ? standing.name : "New channel", h("form", { class: "stack", onsubmit: save },
    h("div", { class: "fields" }, name.element, kind.element, url.element, secret.element), which.element,
    h("fieldset", { class: "fields" }, h("legend", null, "How messages gather"), groupBy.element, Object.values(times).map(({ element }) => element)),
    h("fieldset", { class: "fields" }, h("legend", null, "When"), hours.element, zone.element, h("label", { class: "check" }, resolved, " Say when it is over, too")),
    trouble, h("div", { class: "buttons" }, h("button", { type: "submit", class: "button primary" }, standing ? "Save" : "Make the channel"))), { signal, wide: true });
}
