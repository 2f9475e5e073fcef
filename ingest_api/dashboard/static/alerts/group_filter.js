// A group as a person writes it in a filter: `payload.ip=10.0.0.1, payload.port=22`. The API wants it as JSON.

/** The JSON text of a filter; "" for an empty one. A value that reads as JSON is that value, anything else is a text. */
export function groupAsJson(text) {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed.startsWith("{")) return trimmed;
  const pairs = trimmed.split(",").map((pair) => pair.split(/=(.*)/s).map((part) => part.trim()));
  return JSON.stringify(Object.fromEntries(pairs.filter(([path]) => path).map(([path, value]) => [path.includes(".") || ["source", "event_type"].includes(path) ? path : `payload.${path}`, valueOf(value ?? "")])));
}

function valueOf(text) {
  if (!/^(-?\d+(\.\d+)?|true|false|null|".*")$/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
