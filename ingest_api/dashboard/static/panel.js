// A panel: one thing to look at. It loads itself, keeps itself up to date, and always says how old it is.

import { ApiError, wasLeft } from "./api.js";
import { h, replace } from "./html.js";
import { icon } from "./icon.js";
import { connection, on } from "./live.js";
import { keptFocus } from "./table.js";
import { everySecond, span } from "./time.js";

let count = 0;

/**
 * A panel: { element, refresh, setNote }.
 *
 * `load({ signal })` fetches; `render(data, body)` answers what to show, or nothing where it has changed `body` itself.
 * `empty(data)` answers a sentence (or an element) where there is nothing to show. The panel loads again each `every` seconds,
 * soon after each live message of the types in `live` (at most once in `gap` milliseconds), when the connection heals, and when the tab is
 * looked at again. What is on show stays there while loading and when loading fails; then the panel says so.
 */
export function panel({
  title, load, render, empty = () => null, every = 15, live = [], gap = 1000, actions = [], className = "", signal, level = 2,
}) {
  const id = `panel-${++count}`;
  const note = h("span", { class: "panel-note" });
  const age = h("span", { class: "panel-age" });
  const again = h(
    "button",
    { class: "icon-button", type: "button", title: "Refresh", "aria-label": `Refresh ${title}`, onclick: () => refresh() },
    icon("refresh"),
  );
  const trouble = h("p", { class: "panel-trouble", role: "status", hidden: true });
  const body = h("div", { class: "panel-body" }, skeleton());
  const element = h(
    "section",
    { class: `panel ${className}`, "aria-labelledby": id, "aria-busy": "true" },
    h("header", { class: "panel-head" }, h(`h${level}`, { id, class: "panel-title" }, title), note,
      h("div", { class: "panel-actions" }, actions, age, again)),
    trouble,
    body,
  );

  let updated = null;
  let loading = null;
  let asked = false;
  let due = null;
  let lastStart = 0;

  async function refresh() {
    if (signal?.aborted) return;
    if (loading) {
      asked = true;
      return loading;
    }
    clearTimeout(due);
    due = null;
    lastStart = Date.now();
    element.setAttribute("aria-busy", "true");
    loading = attempt();
    await loading;
    loading = null;
    element.setAttribute("aria-busy", "false");
    showAge();
    if (asked) {
      asked = false;
      soon();
    }
  }

  async function attempt() {
    try {
      const data = await load({ signal });
      if (signal?.aborted) return;
      const nothing = empty(data);
      const restoreFocus = keptFocus(body);
      if (nothing) replace(body, nothing instanceof Node ? nothing : h("p", { class: "empty" }, nothing));
      else {
        const shown = render(data, body);
        if (shown !== undefined) replace(body, shown);
      }
      restoreFocus();
      updated = Date.now();
      trouble.hidden = true;
      element.classList.remove("stale");
    } catch (fault) {
      if (signal?.aborted || wasLeft(fault)) return;
      if (!(fault instanceof ApiError)) console.error(fault);
      showTrouble(fault);
    }
  }

  function showTrouble(fault) {
    const said = fault instanceof ApiError ? fault.message : "This panel could not be drawn; the console says why.";
    if (updated === null) {
      replace(body, h("div", { class: "failed" }, h("p", null, said),
        h("button", { type: "button", class: "button small", onclick: () => refresh() }, "Try again")));
      return;
    }
    element.classList.add("stale");
    replace(trouble, `Not up to date: ${said}`);
    trouble.hidden = false;
  }

  function soon() {
    if (due === null) due = setTimeout(() => { due = null; refresh(); }, Math.max(0, lastStart + gap - Date.now()));
  }

  function showAge() {
    const text = updated === null ? "" : `updated ${span(Date.now() - updated)} ago`;
    if (age.textContent !== text) age.textContent = text;
  }

  everySecond(() => {
    showAge();
    if (!loading && Date.now() - lastStart >= every * 1000) refresh();
  }, signal);
  for (const type of live) on(type, () => document.hidden || soon(), signal);
  on("state", () => connection.state === "open" && soon(), signal);
  document.addEventListener("visibilitychange", () => document.hidden || soon(), { signal });
  signal?.addEventListener("abort", () => clearTimeout(due));
  refresh();
  return { element, body, refresh, setNote: (...text) => replace(note, ...text) };
}

/** Grey bars in place of what is still loading. */
export function skeleton() {
  return h("div", { class: "skeleton", role: "status" }, h("span", { class: "only-read" }, "Loading"), h("i"), h("i"), h("i"));
}
