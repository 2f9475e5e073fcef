// Dialogs: a question before something is done, and details that lie over the page. Escape closes them.

import { h } from "./html.js";
import { icon } from "./icon.js";

/** Show `content` in a dialog: { element, close }. `wide` gives it more room. It goes when the page is left. */
export function dialog(title, content, { signal, wide = false, onClose = () => {} } = {}) {
  const close = () => element.close();
  const element = h(
    "dialog",
    { class: wide ? "dialog wide" : "dialog", "aria-label": title, onclose: () => { element.remove(); onClose(); } },
    h("header", { class: "dialog-head" }, h("h2", null, title),
      h("button", { class: "icon-button", type: "button", "aria-label": "Close", onclick: close }, icon("close"))),
    h("div", { class: "dialog-body" }, content),
  );
  element.addEventListener("click", (event) => event.target === element && close());
  document.body.append(element);
  element.showModal();
  signal?.addEventListener("abort", close);
  return { element, close };
}

/** Ask before doing: answers true or false. `act` is the word on the button, such as "Discard". */
export function confirm(title, sentence, act, { tone = "primary" } = {}) {
  return new Promise((answer) => {
    let agreed = false;
    const agree = () => { agreed = true; shown.close(); };
    const shown = dialog(title, [
      h("p", null, sentence),
      h("div", { class: "buttons" },
        h("button", { type: "button", class: "button", onclick: () => shown.close() }, "Cancel"),
        h("button", { type: "button", class: `button ${tone}`, onclick: agree, autofocus: true }, act)),
    ], { onClose: () => answer(agreed) });
  });
}
