// The frame around the pages: navigation, the state of the connection, and what holds for the whole page.

import { signOut } from "./api.js";
import { h, replace } from "./html.js";
import { icon } from "./icon.js";
import { connection, on, tryNow } from "./live.js";
import { PAGES } from "./pages.js";
import { go, link } from "./router.js";
import { shortcut, showShortcuts } from "./shortcuts.js";
import { nextTheme, theme } from "./theme.js";
import { everySecond, setZone, span, zone, zoneName } from "./time.js";

/** Draw the frame: { outlet, shown, failed }. `shown(page, view)` says which page is on show. */
export function frame(session) {
  const outlet = h("main", { id: "main", class: "main", tabindex: "-1" });
  const links = new Map(PAGES.filter(({ nav }) => nav).map((page) => [page,
    h("a", { href: link(page.path), class: "nav-link", title: `${page.title} (g ${page.key})` }, icon(page.icon), h("span", null, page.title))]));
  const nav = h("nav", { class: "nav", id: "nav", "aria-label": "Pages" }, [...links.values()]);
  const menu = h("button", {
    class: "icon-button menu", type: "button", "aria-label": "Menu", "aria-expanded": "false", "aria-controls": "nav", onclick: () => openMenu(!nav.classList.contains("open")),
  }, icon("menu"));
  const tools = h("div", { class: "tools" }, connectionState(), zoneButton(), themeButton(), helpButton(), session.signed_in && outButton(session));
  replace(document.body,
    h("a", { href: "#main", class: "skip", onclick: (event) => { event.preventDefault(); outlet.focus(); } }, "Skip to the content"),
    h("header", { class: "top" }, menu, h("a", { href: "#/", class: "brand" }, mark(), "EventPulse"), tools),
    lostBanner(), nav, outlet);

  function openMenu(open) {
    nav.classList.toggle("open", open);
    menu.setAttribute("aria-expanded", String(open));
  }

  for (const page of links.keys()) shortcut(`g ${page.key}`, page.title, () => go(page.path));
  shortcut("?", "These shortcuts", showShortcuts);
  shortcut("t", "Light, dark, or as the system", () => tools.querySelector(".theme").click());
  document.addEventListener("keydown", ({ key }) => key === "Escape" && openMenu(false));

  let first = true;
  return {
    outlet,
    failed() {
      replace(outlet, h("h1", null, "This page could not be loaded"),
        h("p", null, h("button", { type: "button", class: "button", onclick: () => location.reload() }, "Load it again")));
    },
    shown(page, view) {
      openMenu(false);
      document.title = page ? `${page.title} · EventPulse` : "EventPulse";
      for (const [of, element] of links) {
        if (page && (of === page || (of.path !== "/" && view.path.startsWith(`${of.path}/`)))) element.setAttribute("aria-current", "page");
        else element.removeAttribute("aria-current");
      }
      if (!page) replace(outlet, h("h1", null, "There is no such page"), h("p", null, h("a", { href: "#/" }, "To the overview")));
      if (!first) outlet.focus({ preventScroll: true });
      first = false;
      scrollTo(0, 0);
    },
  };
}

function connectionState() {
  const words = { connecting: "Connecting", open: "Live", lost: "Connection lost" };
  const text = h("span", null, words[connection.state]);
  const element = h("span", { class: `connection ${connection.state}`, role: "status" }, h("i", { "aria-hidden": "true" }), text);
  on("state", ({ state }) => {
    element.className = `connection ${state}`;
    text.textContent = words[state];
  });
  return element;
}

function lostBanner() {
  const since = h("span");
  const element = h("div", { class: "banner", role: "alert", hidden: true }, since,
    h("button", { type: "button", class: "button small", onclick: tryNow }, "Try now"));
  function show() {
    element.hidden = connection.state !== "lost" || Date.now() - connection.since < 1500;
    if (!element.hidden) since.textContent = `No connection for ${span(Date.now() - connection.since)}. What you see may be old; it heals by itself.`;
  }
  on("state", show);
  everySecond(show);
  return element;
}

function zoneButton() {
  const label = () => (zone() === "utc" ? "UTC" : "Local");
  const element = h("button", {
    type: "button", class: "button quiet small zone",
    onclick: () => { setZone(zone() === "utc" ? "local" : "utc"); show(); dispatchEvent(new HashChangeEvent("hashchange")); },
  });
  function show() {
    element.textContent = label();
    element.title = `Times are in ${zoneName()}`;
    element.setAttribute("aria-label", `Times are in ${zoneName()}. Change between local time and UTC`);
  }
  show();
  return element;
}

function themeButton() {
  const element = h("button", { type: "button", class: "icon-button theme", onclick: () => { nextTheme(); show(); } }, icon("theme"));
  function show() {
    element.title = { system: "Colours as the system", light: "Light", dark: "Dark" }[theme()];
    element.setAttribute("aria-label", `Theme: ${element.title}`);
  }
  show();
  return element;
}

function helpButton() {
  return h("button", { type: "button", class: "icon-button help", title: "Keyboard shortcuts (?)", "aria-label": "Keyboard shortcuts", onclick: showShortcuts }, icon("help"));
}

function outButton(session) {
  const leave = async () => { await signOut(); location.reload(); };
  return h("button", { type: "button", class: "icon-button", title: `Signed in as ${session.name}. Sign out`, "aria-label": "Sign out", onclick: leave }, icon("out"));
}

function mark() {
  const picture = icon("overview");
  picture.classList.add("mark");
  return picture;
}
