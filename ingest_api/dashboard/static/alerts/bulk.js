// Do the same to many alerts: a few at a time, and say how many it was.

import { ApiError, post } from "../api.js";
import { counted } from "../number.js";

const AT_ONCE = 6;

/** POST `action` for each id; answers { done, refused, why }. `told(done)` hears how far it is. */
export async function eachAlert(ids, action, body, told = () => {}) {
  const waiting = [...ids];
  const result = { done: 0, refused: 0, why: null };
  async function work() {
    while (waiting.length) {
      const id = waiting.shift();
      try {
        await post(`alerts/${encodeURIComponent(id)}/${action}`, body);
        result.done += 1;
      } catch (fault) {
        if (!(fault instanceof ApiError)) throw fault;
        result.refused += 1;
        result.why ??= fault.message;
        if (fault.status === 0 || fault.status === 401 || fault.status === 403) waiting.length = 0;
      }
      told(result.done);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return result;
}

/** What came of it, in a sentence. */
export function sentence({ done, refused, why }, what) {
  return `${counted(done, "alert")} ${what}.${refused ? ` ${counted(refused, "alert")} not: ${why}` : ""}`;
}
