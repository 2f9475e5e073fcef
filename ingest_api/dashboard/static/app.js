// Begins here: signs in where keys are needed, draws the frame around the pages, and shows the page of the address.

import { onSignedOut, session } from "./api.js";
import { h, replace } from "./html.js";
import { connect } from "./live.js";
import { route } from "./router.js";
import { frame } from "./frame.js";
import { PAGES } from "./pages.js";
import { showSignIn } from "./sign_in.js";

async function begin() {
  let known;
  try {
    known = await session();
  } catch (fault) {
    replace(document.body, h("main", { class: "alone" }, h("h1", null, "EventPulse"), h("p", null, fault.message)));
    setTimeout(begin, 2000);
    return;
  }
  if (known.keys_needed && !known.signed_in) {
    showSignIn();
    return;
  }
  onSignedOut(() => location.reload());
  const shell = frame(known);
  connect();
  route(PAGES, shell.outlet, shell.shown, shell.failed);
}

begin();
