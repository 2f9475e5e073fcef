// Fields of forms: a label, a control, a hint, and the sentence that says what is wrong with it.

import { h, replace } from "./html.js";

let count = 0;

/** A labelled control: { element, control, fail(sentence) }. `fail("")` takes the sentence back. */
export function field(label, control, { hint = "", hideLabel = false, className = "" } = {}) {
  const id = control.id || `field-${++count}`;
  control.id = id;
  const said = h("span", { class: "field-error", id: `${id}-error`, "aria-live": "polite" });
  const below = hint ? h("span", { class: "field-hint", id: `${id}-hint` }, hint) : null;
  control.setAttribute("aria-describedby", [below?.id, said.id].filter(Boolean).join(" "));
  const element = h("div", { class: `field ${className}` },
    h("label", { for: id, class: hideLabel ? "only-read" : null }, label), control, below, said);
  return {
    element,
    control,
    fail(sentence) {
      replace(said, sentence);
      if (sentence) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    },
  };
}

/** A select of [value, text] pairs. */
export function select(options, value, onchange) {
  return h("select", { value, onchange: (event) => onchange?.(event.target.value) },
    options.map(([key, text]) => h("option", { value: key }, text)));
}

/** Buttons of which one is chosen, from [value, text] pairs: { element, choose(value) }. `choose` tells nobody. */
export function choice(label, options, value, onchange) {
  const pick = (key) => { choose(key); onchange(key); };
  const buttons = options.map(([key, text]) => h("button", { type: "button", onclick: () => pick(key) }, text));
  function choose(key) {
    options.forEach(([other], place) => buttons[place].setAttribute("aria-pressed", String(other === key)));
  }
  choose(value);
  return { element: h("div", { class: "choice", role: "group", "aria-label": label }, buttons), choose };
}

/** `act` once the typing has rested for a moment. */
export function whenRested(act, milliseconds = 300) {
  let waiting = null;
  return (...given) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => act(...given), milliseconds);
  };
}
