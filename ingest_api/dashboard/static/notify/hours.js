// Active hours as people write them: `mon-fri 08:00-18:00`, one stretch a line.

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/** The lines for [{ days, from, to }]. */
export function hoursText(hours) {
  return (hours ?? []).map(({ days, from, to }) => `${daysText(days)} ${from}-${to}`).join("\n");
}

/** [{ days, from, to }] of the lines. Throws a RangeError with a sentence where a line cannot be read. */
export function hoursOf(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const found = /^(?:([a-z, -]+)\s+)?(\d\d:\d\d)\s*-\s*(\d\d:\d\d)$/i.exec(line);
    const days = found && (found[1] ? found[1].toLowerCase().split(",").flatMap((part) => daysOf(part.trim())) : DAYS);
    if (!days || days.includes(undefined)) throw new RangeError(`"${line}" cannot be read; write it as mon-fri 08:00-18:00.`);
    return { days, from: found[2], to: found[3] };
  });
}

function daysOf(part) {
  const [first, last] = part.split("-").map((day) => DAYS.indexOf(day.trim().slice(0, 3)));
  if (first < 0 || last < 0) return [undefined];
  if (last === undefined) return [DAYS[first]];
  return first <= last ? DAYS.slice(first, last + 1) : [...DAYS.slice(first), ...DAYS.slice(0, last + 1)];
}

function daysText(days) {
  if (!days || days.length === DAYS.length) return "mon-sun";
  const places = days.map((day) => DAYS.indexOf(day)).sort();
  const unbroken = places.length > 2 && places.every((place, number) => number === 0 || place === places[number - 1] + 1);
  return unbroken ? `${DAYS[places[0]]}-${DAYS[places.at(-1)]}` : places.map((place) => DAYS[place]).join(",");
}
