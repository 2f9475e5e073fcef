// Small choices that this browser remembers: theme, time zone, what counts as an error. Never data.

const PREFIX = "eventpulse.";

/** What was kept under a name, or the default. */
export function kept(name, otherwise = null) {
  try {
    return localStorage.getItem(PREFIX + name) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Keep a text under a name; null forgets it. A browser that keeps nothing is fine, too. */
export function keep(name, text) {
  try {
    if (text === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, text);
  } catch {
    // Private windows may refuse; the choice then lasts as long as the page.
  }
}
