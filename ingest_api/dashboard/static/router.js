// Which page an address shows. Addresses are hashes: "#/alerts/123?tab=events".

/** Show the pages of a list [{ path: "/alerts/:id", open }] in `outlet`, from now on. `shown` hears of each change, `failed` of a page that does not open. */
export function route(pages, outlet, shown, failed) {
  const compiled = pages.map((page) => ({ page, pattern: pattern(page.path) }));
  let leaving = null;

  async function follow() {
    leaving?.abort();
    leaving = new AbortController();
    const { signal } = leaving;
    const { path, query } = address();
    const found = compiled.map(({ page, pattern }) => ({ page, match: pattern.exec(path) })).find(({ match }) => match);
    outlet.replaceChildren();
    const view = { outlet, path, query, params: decoded(found?.match.groups), signal, setQuery };
    shown(found?.page ?? null, view);
    try {
      await found?.page.open(view);
    } catch (fault) {
      if (signal.aborted) return;
      console.error(fault);
      failed(view);
    }
  }

  addEventListener("hashchange", follow);
  return follow();
}

/** Where we are: { path: "/alerts", query: URLSearchParams }. */
export function address() {
  const hash = location.hash.replace(/^#/, "") || "/";
  const [path, query = ""] = split(hash, "?");
  return { path: path.startsWith("/") ? path : "/", query: new URLSearchParams(query) };
}

/** The hash of a page: link("/events", { where: "…" }). Empty parameters are left out. */
export function link(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, value);
  }
  const text = query.toString();
  return `#${path}${text ? `?${text}` : ""}`;
}

/** Go to a page. */
export function go(path, parameters) {
  location.hash = link(path, parameters);
}

/** Write choices of the page into the address, so that it can be sent to somebody; the page stays as it is. */
function setQuery(changes) {
  const { path, query } = address();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === "") query.delete(name);
    else query.set(name, value);
  }
  history.replaceState(null, "", link(path, Object.fromEntries(query)));
}

function pattern(path) {
  return new RegExp(`^${path.replace(/:(\w+)/g, "(?<$1>[^/]+)")}/?$`);
}

function decoded(groups) {
  return Object.fromEntries(
    Object.entries(groups ?? {}).map(([name, text]) => {
      try {
        return [name, decodeURIComponent(text)];
      } catch {
        return [name, text];
      }
    }),
  );
}

function split(text, at) {
  const place = text.indexOf(at);
  return place < 0 ? [text] : [text.slice(0, place), text.slice(place + 1)];
}
