// Who does something to an alert: the name of the key where there is one, or else what a person has told this browser.

import { session } from "../api.js";
import { field } from "../field.js";
import { h } from "../html.js";
import { keep, kept } from "../kept.js";

/** { element, name() }: a field for the name, not there where a key says it already. */
export function who() {
  const asked = field("Your name", h("input", { value: kept("name", ""), maxlength: 255, autocomplete: "name", oninput: (event) => keep("name", event.target.value.trim() || null) }));
  let known = false;
  session().then(({ signed_in: signedIn }) => { known = signedIn; asked.element.hidden = signedIn; }, () => {});
  return { element: asked.element, name: () => (known ? undefined : kept("name", "") || undefined) };
}
