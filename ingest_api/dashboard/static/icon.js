// Icons, drawn as strokes in the colour of the text around them. They decorate; the words beside them say what they mean.

import { svg } from "./html.js";

const PATHS = {
  overview: "M3 12h4l2-7 4 14 3-9 1.5 2H21",
  alerts: "M12 3a6 6 0 0 0-6 6c0 6-2 7-2 7h16s-2-1-2-7a6 6 0 0 0-6-6M10 20a2 2 0 0 0 4 0",
  rules: "M5 5h14M5 12h9M5 19h6M17 15l2 2 3-4",
  events: "M8 6h13M8 12h13M8 18h13M3.5 6h.01M3.5 12h.01M3.5 18h.01",
  letters: "M3 6h18v13H3zM3 7l9 7 9-7",
  batches: "M12 3l9 5-9 5-9-5zM3 13l9 5 9-5",
  channels: "M4 10v4l12 5V5zM16 9a3 3 0 0 1 0 6M7 15v4h3",
  silences: "M9 9H5v6h4l5 4V5zM17 9l5 6M22 9l-5 6",
  audits: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l5 5M8 11l2 2 4-4",
  refresh: "M20 11a8 8 0 1 0-2.3 5.7M20 5v6h-6",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6L6 18",
  theme: "M12 4v16a8 8 0 0 0 0-16M12 4a8 8 0 0 0 0 16",
  help: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7M12 17h.01",
  pause: "M9 5v14M15 5v14",
  play: "M7 5l12 7-12 7z",
  out: "M14 8V5H4v14h10v-3M9 12h12M18 9l3 3-3 3",
  critical: "M12 3l9.5 17h-19zM12 10v4M12 17h.01",
  warning: "M12 3l9 9-9 9-9-9zM12 8v5M12 16h.01",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 11v5M12 8h.01",
  ok: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8 12l3 3 5-6",
  unknown: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8 12h8",
  left: "M14 6l-6 6 6 6",
  right: "M10 6l6 6-6 6",
  link: "M9 5H5v14h14v-4M13 5h6v6M19 5l-9 9",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l5 5",
};

/** An icon of a name above. */
export function icon(name) {
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));
}
