// The table of contents: every page, where it is, and the key that leads to it. A page is loaded when it is opened first.

/** `nav` pages stand in the navigation, in this order. `open(view)` fills `view.outlet`; see router.js. */
export const PAGES = [
  { path: "/", title: "Overview", icon: "overview", key: "o", nav: true, open: load("overview") },
  { path: "/alerts", title: "Alerts", icon: "alerts", key: "a", nav: true, open: load("alerts") },
  { path: "/alerts/:id", title: "Alert", open: load("alert") },
  { path: "/rules", title: "Rules", icon: "rules", key: "r", nav: true, open: load("rules") },
  { path: "/rules/new", title: "New rule", open: load("rule", "openNew") },
  { path: "/rules/:id", title: "Rule", open: load("rule") },
  { path: "/events", title: "Events", icon: "events", key: "e", nav: true, open: load("events") },
  { path: "/events/:id", title: "Event", open: load("events", "openOne") },
  { path: "/dead-letters", title: "Dead letters", icon: "letters", key: "d", nav: true, open: load("dead_letters") },
  { path: "/dead-letters/:id", title: "Dead letter", open: load("dead_letters", "openOne") },
  { path: "/batches", title: "Batches", icon: "batches", key: "b", nav: true, open: load("batches") },
  { path: "/channels", title: "Channels", icon: "channels", key: "c", nav: true, open: load("channels") },
  { path: "/silences", title: "Silences", icon: "silences", key: "s", nav: true, open: load("silences") },
  { path: "/audits", title: "Audits", icon: "audits", key: "u", nav: true, open: load("audits") },
];

function load(module, name = "open") {
  return async (view) => {
    const page = await import(`./pages/${module}.js`);
    if (!view.signal.aborted) await page[name](view);
  };
}
