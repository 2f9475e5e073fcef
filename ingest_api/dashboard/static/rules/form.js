// The usual fields of a rule as a form. It writes into the draft; what it does not know it leaves as it is.

import { at } from "./draft.js";
import { field, select } from "../field.js";
import { h, replace } from "../html.js";
import { BEGINNINGS, COMMON, KINDS, MORE, TIMING } from "./kinds.js";

/** The form of a draft: { element, show() }. `show` fills it from the draft. */
export function form(draft) {
  const element = h("div", { class: "rule-form" });
  let fields = [];
  let drawnFor = null;

  function draw() {
    const document = draft.document ?? {};
    const condition = document.condition ?? {};
    const [sentence, ofKind] = KINDS[condition.type] ?? ["", []];
    drawnFor = shapeOf(condition);
    fields = [];
    const type = field("Condition", select(Object.keys(KINDS).map((kind) => [kind, kind.replace("_", " ")]), condition.type ?? "threshold", choose), { hint: sentence });
    fields.push({ path: "condition.type", fail: type.fail });
    const known = MORE.some(({ key }) => document[key] !== undefined);
    replace(element,
      group("What it is called", COMMON, document),
      h("fieldset", { class: "fields" }, h("legend", null, "What it looks for"), type.element, ofKind.filter(({ when }) => !when || when(condition)).map((spec) => one(spec, document))),
      group("Over what, and how often", TIMING, document),
      h("details", { class: "fields-more", open: known }, h("summary", null, "More"), h("div", { class: "fields" }, MORE.map((spec) => one(spec, document)))));
    showFaults();
  }

  function group(title, specs, document) {
    return h("fieldset", { class: "fields" }, h("legend", null, title), specs.map((spec) => one(spec, document)));
  }

  function one(spec, document) {
    if (spec.type === "note") return h("p", { class: "field-hint wide" }, spec.label);
    const path = spec.key.split(".");
    const kind = TYPES[spec.type];
    const put = (value) => {
      draft.set(path, value);
      if (drawnFor !== shapeOf(draft.document.condition ?? {})) redraw(spec.key);
    };
    const control = kind.control(spec, at(document, path), put);
    const made = field(spec.label, control, { hint: spec.hint ?? "", className: spec.wide ? "wide" : "" });
    control.dataset.key = spec.key;
    fields.push({ path: spec.key, fail: made.fail });
    return made.element;
  }

  function choose(type) {
    const { filters } = draft.document.condition ?? {};
    const takes = !["sequence", "composite"].includes(type);
    draft.put({ ...draft.document, condition: { type, ...BEGINNINGS[type], ...(takes && filters ? { filters } : {}) } });
    redraw("condition.type");
  }

  function redraw(key) {
    draw();
    const again = element.querySelector(`[data-key="${CSS.escape(key)}"]`) ?? element.querySelector("select");
    again?.focus();
  }

  function showFaults() {
    const at = (path) => draft.faults.filter((fault) => fault.path.join(".") === path || (path.endsWith("_type") === false && fault.path.join(".").startsWith(`${path}.`)));
    for (const each of fields) each.fail(at(each.path).map(({ message }) => message).join(" "));
  }

  draft.on((what) => what === "read" && showFaults());
  return { element, show: draw };
}

/** What decides which fields a condition has. */
function shapeOf({ type, metric, method }) {
  return JSON.stringify([type, metric, method]);
}

const plain = (put, read) => (event) => put(read(event.target.value));
const words = (text) => text.split(",").map((word) => word.trim()).filter(Boolean);

const TYPES = {
  text: {
    control: ({ lines, mono }, value, put) => h(lines ? "textarea" : "input", {
      value: value ?? "", class: mono ? "mono" : null, spellcheck: mono ? "false" : null, rows: lines, autocomplete: "off",
      oninput: plain(put, (text) => text || undefined),
    }),
  },
  number: {
    control: (spec, value, put) => h("input", {
      type: "number", step: "any", inputmode: "decimal", value: value ?? "", oninput: plain(put, (text) => (text === "" ? undefined : Number(text))),
    }),
  },
  select: {
    control: ({ options, key }, value, put) => select(
      [...(value === undefined ? [["", key === "mode" ? "live" : "as usual"]] : []), ...options.filter((one) => value !== undefined || !(key === "mode" && one === "live")).map((one) => [one, one])],
      value ?? "", (chosen) => put(chosen || undefined)),
  },
  list: {
    control: (spec, value, put) => h("input", {
      class: "mono", spellcheck: "false", autocomplete: "off", value: [value ?? []].flat().join(", "),
      oninput: plain(put, (text) => { const all = words(text); return all.length ? all : undefined; }),
    }),
  },
  pairs: {
    control: (spec, value, put) => h("textarea", {
      rows: 2, spellcheck: "false", value: Object.entries(value ?? {}).map(([key, text]) => `${key}: ${text}`).join("\n"),
      oninput: plain(put, (text) => {
        const pairs = text.split("\n").map((line) => line.split(/:(.*)/s).map((part) => part.trim())).filter(([key]) => key);
        return pairs.length ? Object.fromEntries(pairs.map(([key, word]) => [key, word ?? ""])) : undefined;
      }),
    }),
  },
};
