// Matchers: what channels, silences and inhibitions speak of. As words for reading, as a few fields for writing, and as JSON for the rest.

import { field } from "../field.js";
import { h } from "../html.js";

const list = (value) => [value ?? []].flat();

/** A matcher in words: `severity critical or warning · rule ssh* · ip 10.0.*`; "everything" for an empty one. */
export function matcherText(matcher) {
  const parts = Object.entries(matcher ?? {}).flatMap(([key, value]) => {
    if (key === "not") return [`not (${matcherText(value)})`];
    if (key === "labels" || key === "group") return Object.entries(value ?? {}).map(([path, wanted]) => `${path.replace(/^payload\./, "")} ${list(wanted).map(word).join(" or ")}`);
    return [`${key} ${list(value).map(word).join(" or ")}`];
  });
  return parts.join(" · ") || "everything";
}

function word(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Fields that write a matcher: { element, value(), fail(sentence) }. `value()` throws a SyntaxError where the JSON cannot be read. */
export function matcherFields(matcher, { title = "Which alerts" } = {}) {
  const simple = isSimple(matcher);
  const text = (label, value, hint) => field(label, h("input", { value, spellcheck: "false", autocomplete: "off", class: "mono" }), { hint });
  const rule = text("Rule", list(matcher.rule).join(", "), "Names with commas; * stands for any text");
  const severity = text("Severity", list(matcher.severity).join(", "), "critical, warning, info");
  const group = text("Group", pairs(matcher.group), "payload.ip=10.0.*, payload.user=root");
  const labels = text("Labels", pairs(matcher.labels), "team=security");
  const json = field("As JSON", h("textarea", { class: "mono", rows: 4, spellcheck: "false", value: JSON.stringify(matcher, null, 2) }), { hint: "For what the fields cannot say: origin, not, values that are no texts" });
  const fields = h("div", { class: "fields" }, rule.element, severity.element, group.element, labels.element);
  const raw = h("div", { hidden: simple }, json.element);
  fields.hidden = !simple;
  const turn = h("button", { type: "button", class: "button quiet small", onclick: () => {
    if (raw.hidden) json.control.value = JSON.stringify(fromFields(), null, 2);
    raw.hidden = !raw.hidden;
    fields.hidden = !raw.hidden;
    turn.textContent = raw.hidden ? "Write it as JSON" : "Use the fields";
  } }, simple ? "Write it as JSON" : "Use the fields");
  const words = (control) => control.value.split(",").map((one) => one.trim()).filter(Boolean);

  function fromFields() {
    const found = { rule: words(rule.control), severity: words(severity.control), group: unpaired(group.control.value), labels: unpaired(labels.control.value) };
    return Object.fromEntries(Object.entries(found).filter(([, value]) => Object.keys(value).length));
  }

  return {
    element: h("fieldset", { class: "matcher" }, h("legend", null, title), fields, raw, turn),
    value: () => (raw.hidden ? fromFields() : JSON.parse(json.control.value)),
    fail: (sentence) => (raw.hidden ? rule : json).fail(sentence),
  };
}

function isSimple(matcher) {
  const texts = (value) => list(value).every((one) => typeof one === "string" && !/[,=]/.test(one));
  return Object.entries(matcher).every(([key, value]) => (["group", "labels"].includes(key) ? Object.values(value).every(texts) : ["rule", "severity"].includes(key) && texts(value)));
}

function pairs(group) {
  return Object.entries(group ?? {}).flatMap(([path, values]) => list(values).map((value) => `${path}=${value}`)).join(", ");
}

function unpaired(text) {
  const found = {};
  for (const pair of text.split(",").filter((one) => one.trim())) {
    const [path, value = ""] = pair.split(/=(.*)/s).map((part) => part.trim());
    (found[path] ??= []).push(value);
  }
  return found;
}
