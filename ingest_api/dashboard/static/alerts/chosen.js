// Which alerts of a list are chosen, and what is done to all of them at once.

import { changeAlerts, everyId, MOST_CHOSEN, sentence } from "./bulk.js";
import { who } from "./who.js";
import { wasLeft } from "../api.js";
import { confirm } from "../dialog.js";
import { groupText } from "../group.js";
import { h, replace } from "../html.js";
import { counted, whole } from "../number.js";
import { say } from "../toast.js";

const WORDS = { acknowledge: ["Acknowledge", "acknowledged"], resolve: ["Resolve", "resolved"] };

/**
 * { bar, outcome, box(alert), showOf(rows, more), clear() }: the buttons, what became of the last change where that needs a look, a box for each
 * row, and what the list tells when it has loaded. `asked()` is what the list asks the API; `changed` is called after a change.
 */
export function choiceOfAlerts({ asked, signal, changed }) {
  const chosen = new Set();
  let onPage = [];
  let moreBehind = false;
  // Those on other pages are chosen only by saying so: nobody acknowledges by accident what they cannot see.
  let beyond = false;
  let last = null;
  let busy = false;

  const doer = who();
  const every = h("input", { type: "checkbox", "aria-label": "Choose all on this page", onchange: () => choosePage(every.checked) });
  const counter = h("span", { class: "soft", role: "status" });
  const everywhere = h("button", { type: "button", class: "button small", onclick: chooseEverywhere }, "Choose all that match");
  const none = h("button", { type: "button", class: "button small", onclick: () => { clear(); every.focus(); } }, "Choose none");
  const buttons = Object.entries(WORDS).map(([action, [word]]) =>
    h("button", { type: "button", class: `button small ${action === "acknowledge" ? "primary" : ""}`, onclick: () => act(action) }, word));
  const bar = h("div", { class: "bulk", hidden: true }, h("label", null, every, " All on this page"), counter, everywhere, none, h("div", { class: "bulk-do" }, doer.element, buttons));
  const outcome = h("p", { class: "panel-trouble", role: "alert", hidden: true });

  function choosePage(on) {
    beyond = false;
    chosen.clear();
    if (on) for (const { alert_id: id } of onPage) chosen.add(id);
    show();
  }

  function clear() {
    chosen.clear();
    beyond = false;
    last = null;
    show();
  }

  async function chooseEverywhere() {
    everywhere.disabled = true;
    try {
      const { ids, some } = await everyId(asked(), signal);
      chosen.clear();
      for (const id of ids) chosen.add(id);
      beyond = true;
      if (some) say(`There are more than ${whole(MOST_CHOSEN)}; the newest of them are chosen.`, "warning");
    } catch (fault) {
      if (!wasLeft(fault)) say(fault.message, "critical");
    }
    everywhere.disabled = false;
    show();
    none.focus();
  }

  function choose(id, on, all) {
    const ids = onPage.map(({ alert_id: each }) => each);
    const [from, to] = [ids.indexOf(all ? last : id), ids.indexOf(id)].sort((one, other) => one - other);
    for (const each of from < 0 ? [id] : ids.slice(from, to + 1)) {
      if (on) chosen.add(each);
      else chosen.delete(each);
    }
    last = id;
    show();
  }

  function show() {
    const all = onPage.length > 0 && onPage.every(({ alert_id: id }) => chosen.has(id));
    if (!busy) replace(counter, chosen.size ? `${whole(chosen.size)} chosen${beyond ? ", on all pages" : ""}` : "");
    for (const button of buttons) button.disabled = busy || chosen.size === 0;
    every.checked = all;
    every.indeterminate = !all && chosen.size > 0;
    everywhere.hidden = beyond || !all || !moreBehind;
    none.hidden = !beyond;
    doer.element.classList.toggle("quiet", chosen.size === 0);
    bar.hidden = onPage.length === 0 && chosen.size === 0;
    for (const box of document.querySelectorAll("input[data-id]")) box.checked = chosen.has(box.dataset.id);
  }

  async function act(action) {
    const ids = [...chosen];
    const [word, became] = WORDS[action];
    const one = counted(ids.length, "alert");
    if (beyond && !await confirm(`${word} ${one}?`, `They are all that were like the filters when you chose them, also on pages that are not on show.`, `${word} ${one}`)) return;
    busy = true;
    outcome.hidden = true;
    show();
    const result = await changeAlerts(ids, action, { by: doer.name() }, (count) => replace(counter, `${whole(count)} of ${whole(ids.length)}`));
    busy = false;
    chosen.clear();
    for (const id of result.left) chosen.add(id);
    beyond &&= chosen.size > 0;
    show();
    const said = sentence(result, became);
    if (result.left.length) {
      replace(outcome, said);
      outcome.hidden = false;
    } else say(said, result.done.length ? "ok" : "warning");
    if ([document.body, ...buttons].includes(document.activeElement)) every.focus();
    changed();
  }

  const box = (alert) => alert.state !== "resolved" && h("input", {
    type: "checkbox", checked: chosen.has(alert.alert_id), "data-id": alert.alert_id, "aria-label": `Choose the alert of ${alert.rule_name} ${groupText(alert.group)}`,
    onclick: (event) => { event.stopPropagation(); choose(alert.alert_id, event.target.checked, event.shiftKey); },
  });

  function showOf(rows, more) {
    onPage = rows.filter(({ state }) => state !== "resolved");
    moreBehind = more;
    if (!beyond && !busy) for (const id of [...chosen]) if (!onPage.some(({ alert_id: there }) => there === id)) chosen.delete(id);
    queueMicrotask(show);
  }

  show();
  return { bar, outcome, box, showOf, clear };
}
