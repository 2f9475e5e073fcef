// Numbers as people read them.

/** 1,234,567 */
export function whole(value) {
  return value === null || value === undefined ? "–" : Math.round(value).toLocaleString("en");
}

/** 950, 1.2 k, 3.4 M: at most four characters and a unit. */
export function compact(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  for (const [unit, letter] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (size >= unit) {
      const by = letter === "k" ? 1e3 : unit;
      return `${trimmed(value / by)} ${letter}`;
    }
  }
  return size >= 100 || Number.isInteger(value) ? whole(value) : trimmed(value);
}

/** 0.12, 3.4, 56 */
export function trimmed(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 100) return String(Math.round(value));
  if (size >= 10) return String(Math.round(value * 10) / 10);
  return String(Math.round(value * 100) / 100);
}

/** 2.3 % of a whole; "–" of nothing. */
export function percent(part, all) {
  if (!all) return "–";
  return part > 0 && part / all < 0.0001 ? "< 0.01 %" : `${trimmed((100 * part) / all)} %`;
}

/** "1 event", "2 events" */
export function counted(count, one, many = `${one}s`) {
  return `${whole(count)} ${count === 1 ? one : many}`;
}

/** The value that a share of sorted numbers does not exceed; null of none. */
export function quantile(numbers, share) {
  if (!numbers.length) return null;
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
