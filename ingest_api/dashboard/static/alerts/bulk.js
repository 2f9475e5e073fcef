// Do the same to many alerts: some hundred in a request, each of which happens as a whole or not at all; and say what became of them.

import { ApiError, get, post } from "../api.js";
import { counted, whole } from "../number.js";

const AT_ONCE = 500;
/** More alerts than this are not chosen at once. */
export const MOST_CHOSEN = 5_000;

/**
 * POST `action` for these ids; answers { done, already, left, why }: the ids that were changed, how many were not because of how they
 * are, by state, and the ids of which nothing is known, for what reason. `told(count)` hears how many are through.
 */
export async function changeAlerts(ids, action, body, told = () => {}) {
  const result = { done: [], already: {}, left: [], why: null };
  for (let place = 0; place < ids.length; place += AT_ONCE) {
    try {
      const { changed, unchanged } = await post(`alerts/${action}`, { ...body, alert_ids: ids.slice(place, place + AT_ONCE) });
      result.done.push(...changed);
      for (const { state } of unchanged) result.already[state ?? "gone"] = (result.already[state ?? "gone"] ?? 0) + 1;
    } catch (fault) {
      if (!(fault instanceof ApiError)) throw fault;
      return { ...result, left: ids.slice(place), why: fault.message };
    }
    told(Math.min(place + AT_ONCE, ids.length));
  }
  return result;
}

/** What came of it, in sentences. `what` is what they became, such as "acknowledged". */
export function sentence({ done, already, left, why }, what) {
  const others = Object.entries(already).map(([state, count]) => `${whole(count)} ${state === "gone" ? (count === 1 ? "is gone" : "are gone") : `${count === 1 ? "was" : "were"} ${state} already`}`);
  return [
    done.length || !left.length ? `${counted(done.length, "alert")} ${what}.` : "",
    others.length ? `${others.join(", ")}.` : "",
    left.length ? `${counted(left.length, "alert")} NOT ${what}, and still chosen: ${why}` : "",
  ].filter(Boolean).join(" ");
}

/** The ids of all alerts that are like `asked` and not resolved, over all pages; `some` tells that there are more than can be chosen. */
export async function everyId(asked, signal) {
  const ids = [];
  for (let cursor = null; ;) {
    const { data, pagination } = await get("alerts", { ...asked, limit: 500, cursor }, { signal });
    ids.push(...data.filter(({ state }) => state !== "resolved").map(({ alert_id: id }) => id));
    cursor = pagination.next;
    if (!cursor || ids.length >= MOST_CHOSEN) return { ids: ids.slice(0, MOST_CHOSEN), some: Boolean(cursor) || ids.length > MOST_CHOSEN };
  }
}
