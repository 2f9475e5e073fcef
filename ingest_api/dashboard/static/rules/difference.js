// What two texts differ in, line by line.

import { h } from "../html.js";

const AROUND = 2;
const LONGEST = 2_000;

/** The difference as an element: lines that went, lines that came, and a few around them. */
export function difference(before, after) {
  const lines = compared(before.split("\n").slice(0, LONGEST), after.split("\n").slice(0, LONGEST));
  const near = lines.map((_, place) => lines.slice(Math.max(0, place - AROUND), place + AROUND + 1).some(({ sign }) => sign !== " "));
  if (!near.includes(true)) return h("p", { class: "soft" }, "The text is the same.");
  const shown = [];
  lines.forEach((line, place) => {
    if (near[place]) shown.push(h("span", { class: { "+": "added", "-": "gone", " ": null }[line.sign] }, h("span", { class: "only-read" }, { "+": "added: ", "-": "gone: ", " ": "" }[line.sign]), `${line.sign} ${line.text}\n`));
    else if (near[place - 1]) shown.push(h("span", { class: "soft" }, "  …\n"));
  });
  return h("pre", { class: "difference", tabindex: "0", role: "region", "aria-label": "Difference" }, shown);
}

/** The lines of both texts in order, each with a sign: " " stayed, "-" went, "+" came. By the longest common subsequence. */
export function compared(before, after) {
  const common = Array.from({ length: before.length + 1 }, () => new Uint16Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      common[i][j] = before[i] === after[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const lines = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push({ sign: " ", text: before[i] });
      i += 1;
      j += 1;
    } else if (j >= after.length || (i < before.length && common[i + 1][j] >= common[i][j + 1])) {
      lines.push({ sign: "-", text: before[i] });
      i += 1;
    } else {
      lines.push({ sign: "+", text: after[j] });
      j += 1;
    }
  }
  return lines;
}
