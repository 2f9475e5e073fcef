// The table of contents: every page, where it is, and the key that leads to it. A page is loaded when it is opened first.

/** `nav` pages stand in the navigation, in this order. `open(view)` fills `view.outlet`; see router.js. */
export const PAGES = [
  { path: "/", title: "Overview", icon: "overview", key: "o", nav: true, open: (view) => load("overview", view) },
];

async function load(name, view) {
  const page = await import(`./pages/${name}.js`);
  if (!view.signal.aborted) await page.open(view);
}
