// Which events the overview is about: all, or those of a type or a source.

import { get } from "../api.js";
import { field, whenRested } from "../field.js";
import { h, replace } from "../html.js";

/** Two small fields that know the types and sources of the range. */
export function filterFields(chosen) {
  return h("div", { class: "filters" },
    filter(chosen, "type", "event_type", "All types", "Event type"),
    filter(chosen, "source", "source", "All sources", "Source"));
}

function filter(chosen, name, groupBy, placeholder, label) {
  const known = h("datalist", { id: `known-${name}` });
  const act = (event) => chosen.change({ [name]: event.target.value.trim() || null });
  const control = h("input", {
    type: "search", placeholder, list: known.id, value: chosen.query.get(name) ?? "", autocomplete: "off", spellcheck: "false",
    oninput: whenRested(act), onfocus: suggest,
  });
  async function suggest() {
    const counts = await get("metrics/series", { ...chosen.between(), bucket_seconds: 86_400, group_by: groupBy, top: 50 }).catch(() => null);
    if (counts) replace(known, counts.series.map(({ key }) => h("option", { value: key })));
  }
  chosen.onChange(() => {
    const value = chosen.query.get(name) ?? "";
    if (document.activeElement !== control) control.value = value;
  });
  return [field(label, control, { hideLabel: true }).element, known];
}
