// Tables. Long ones never freeze the page: a list of the API is read page by page, a long array is drawn piece by piece.

import { h, replace } from "./html.js";
import { icon } from "./icon.js";

const AT_ONCE = 200;

/**
 * A table of an array. A column is { title, cell(row), className, sort(row) }, and has an `unseen` title where it shows none; `open(row)` makes rows buttons, `mark(row)` gives a row a class, and
 * `id(row)` a name by which the keyboard finds it again after a refresh. In a row that opens, j and k go to the next and the one before, x chooses.
 * Of a long array the first rows are drawn, and more when asked for. On narrow screens each row becomes a card.
 */
export function table({ label, columns, rows, open = null, mark = () => null, id = () => null, order = null }) {
  const body = h("tbody");
  rows = order ? inOrder(rows, columns, order.value()) : rows;
  const element = h("div", { class: "table-wrap" }, h("table", { class: "table", "aria-label": label }, head(columns, order), body));
  let drawn = 0;
  const more = h("button", { type: "button", class: "button small more", onclick: draw });
  function draw() {
    const next = rows.slice(drawn, drawn + AT_ONCE);
    body.append(...next.map((row) => line(row, columns, open, mark, id)));
    drawn += next.length;
    if (drawn < rows.length) {
      replace(more, `Show ${Math.min(AT_ONCE, rows.length - drawn)} more of ${rows.length - drawn}`);
      element.append(more);
    } else more.remove();
  }
  draw();
  return element;
}

/**
 * Buttons that walk through a list of the API: { element, cursor(), firstPage(), show(pagination) }. `turned` is called when another page is
 * wanted; the page then loads with `cursor()`, and tells `show` the answer's pagination.
 */
export function pages(turned) {
  let behind = [];
  let next = null;
  const where = h("span", { class: "pages-where" });
  const newer = h("button", { type: "button", class: "button small", onclick: () => { behind.pop(); turned(); } }, icon("left"), "Newer");
  const older = h("button", { type: "button", class: "button small", onclick: () => { behind.push(next); turned(); } }, "Older", icon("right"));
  const newest = h("button", { type: "button", class: "button small", onclick: () => { behind = []; turned(); } }, "Newest");
  const element = h("nav", { class: "pages", "aria-label": "Pages" }, newest, newer, where, older);
  return {
    element,
    cursor: () => behind.at(-1) ?? null,
    older: () => older.click(),
    firstPage() { behind = []; },
    show(pagination) {
      next = pagination.next ?? null;
      newest.disabled = newer.disabled = behind.length === 0;
      older.disabled = next === null;
      element.hidden = behind.length === 0 && next === null;
      replace(where, `Page ${behind.length + 1}`);
    },
  };
}

function head(columns, order) {
  return h("thead", null, h("tr", { "data-row": order && "head" }, columns.map((column) => (order && column.sort ? sortable(column, order) : h("th", { scope: "col", class: column.className }, column.title || h("span", { class: "only-read" }, column.unseen))))));
}

/** A heading that sorts: what is more, newer or worse comes first, and texts from A to Z; once more turns that round, and the third time ends it. */
function sortable({ title, className }, order) {
  const now = order.value();
  const turned = now === `-${title}`;
  const next = now === title ? `-${title}` : turned ? "" : title;
  return h("th", { scope: "col", class: className, "aria-sort": now === title ? "descending" : turned ? "ascending" : null },
    h("button", { type: "button", class: "sort", title: `Sort by ${title.toLowerCase()}`, onclick: () => order.set(next) }, title, h("span", { "aria-hidden": "true" }, now === title ? " ↓" : turned ? " ↑" : "")));
}

function inOrder(rows, columns, value) {
  const turned = value.startsWith("-");
  const by = columns.find(({ title, sort }) => sort && title === value.slice(turned ? 1 : 0))?.sort;
  if (!by) return rows;
  const compared = (one, other) => (typeof one === "string" ? one.localeCompare(other) : other - one);
  return [...rows].sort((one, other) => (turned ? -1 : 1) * compared(by(one), by(other)));
}

/** By which heading a list is sorted, kept in the address as `sort`: { value(), set(value) }. */
export function orderOf({ query, setQuery, changed }) {
  return {
    value: () => query.get("sort") ?? "",
    set(value) {
      setQuery({ sort: value });
      if (value) query.set("sort", value);
      else query.delete("sort");
      changed();
    },
  };
}

function line(row, columns, open, mark, id) {
  const cells = columns.map(({ title, cell, className }) => h("td", { class: className, "data-label": title }, cell(row)));
  const element = h("tr", { class: mark(row), "data-row": id(row) }, cells);
  if (open) {
    element.classList.add("opens");
    element.tabIndex = 0;
    element.addEventListener("click", (event) => event.target.closest("a, button") || open(row));
    element.addEventListener("keydown", (event) => {
      if (event.target !== element || event.ctrlKey || event.metaKey || event.altKey) return;
      const act = {
        Enter: () => open(row),
        " ": () => open(row),
        x: () => element.querySelector("input[type=checkbox]")?.click(),
        j: () => element.nextElementSibling?.focus(),
        k: () => element.previousElementSibling?.focus(),
      }[event.key];
      if (!act) return;
      event.preventDefault();
      event.stopPropagation();
      act();
    });
  }
  return element;
}

const CAN_BE_FOCUSED = "a, button, input, summary";

/** Remembers what has the keyboard in a row of `body`; call the answer after the rows were drawn again. */
export function keptFocus(body) {
  const focused = document.activeElement;
  const row = focused?.closest("[data-row]");
  if (!row || !body.contains(row)) return () => {};
  const place = [row, ...row.querySelectorAll(CAN_BE_FOCUSED)].indexOf(focused);
  const number = [...body.querySelectorAll("[data-row]")].indexOf(row);
  return () => {
    if (focused.isConnected) return;
    const rows = [...body.querySelectorAll("[data-row]")];
    const same = rows.find(({ dataset }) => dataset.row === row.dataset.row);
    // Of one that has gone, the next has moved up to its place.
    const found = same ? [same, ...same.querySelectorAll(CAN_BE_FOCUSED)][place] : rows[Math.min(number, rows.length - 1)];
    found?.focus({ preventScroll: true });
  };
}
