// Signing in: a key, once. The answer sets a cookie that scripts cannot read; the key itself is kept nowhere.

import { signIn } from "./api.js";
import { field } from "./field.js";
import { h, replace } from "./html.js";

/** Ask for a key, in place of the page; then load the page anew. */
export function showSignIn() {
  const key = field("API key", h("input", {
    type: "password", name: "key", autocomplete: "current-password", required: true, spellcheck: "false", placeholder: "ep_…",
  }));
  const button = h("button", { type: "submit", class: "button primary" }, "Sign in");
  async function send(event) {
    event.preventDefault();
    button.disabled = true;
    key.fail("");
    try {
      await signIn(key.control.value);
      location.reload();
    } catch (fault) {
      key.fail(fault.message);
      button.disabled = false;
      key.control.focus();
    }
  }
  replace(document.body, h("main", { class: "alone", id: "main" },
    h("form", { class: "sign-in", onsubmit: send },
      h("h1", null, "EventPulse"),
      h("p", null, "This installation asks everybody for a key. ", h("code", null, "eventpulse keys create NAME --scope read"), " makes one."),
      key.element,
      button)));
  key.control.focus();
}
