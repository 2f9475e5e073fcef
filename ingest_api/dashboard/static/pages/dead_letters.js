// Events that could not be stored: why, what came in to the byte, and what can be done about it.

import { ApiError, get, patch, post } from "../api.js";
import { badge } from "../badge.js";
import { confirm } from "../dialog.js";
import { field, select, whenRested } from "../field.js";
import { h, replace } from "../html.js";
import { counted, whole } from "../number.js";
import { panel } from "../panel.js";
import { go, link } from "../router.js";
import { pages, table } from "../table.js";
import { clock } from "../time.js";
import { say } from "../toast.js";

const ROWS = 100;
const TONES = { open: "warning", redriving: "info", redriven: "ok", discarded: "quiet" };
const STATES = [["", "All states"], ["open", "open"], ["redriving", "redriving"], ["redriven", "redriven"], ["discarded", "discarded"]];
const CAUSES = [["", "All causes"], ["unreadable", "unreadable: no event"], ["refused", "refused by PostgreSQL"], ["future", "from the future"]];

/** The list. The address names what is asked: state, cause, reason, batch_id. */
export function open({ outlet, query, signal, setQuery }) {
  const walk = pages(() => shown.refresh());
  const asked = () => Object.fromEntries(["state", "cause", "reason", "batch_id"].map((name) => [name, query.get(name)]));
  const change = (name, value) => {
    setQuery({ [name]: value });
    if (value) query.set(name, value);
    else query.delete(name);
    walk.firstPage();
    shown.refresh();
  };
  const shown = panel({
    title: "Dead letters",
    className: "flush",
    load: ({ signal }) => get("dead-letters", { ...asked(), limit: ROWS, cursor: walk.cursor() }, { signal }),
    empty: ({ data }) => (data.length ? null : Object.values(asked()).some(Boolean) ? "No dead letter is like this." : "There is no dead letter: every event that came in could be stored."),
    render({ data, pagination }) {
      walk.show(pagination);
      return [table({ label: "Dead letters", columns: COLUMNS, rows: data, open: ({ dead_letter_id }) => go(`/dead-letters/${dead_letter_id}`) }), walk.element];
    },
    every: 15,
    live: ["batch"],
    gap: 5000,
    signal,
  });
  outlet.append(
    h("div", { class: "page-head" }, h("h1", null, "Dead letters"),
      h("button", { type: "button", class: "button", onclick: () => redriveMany(asked(), shown.refresh) }, "Redrive those that match …")),
    h("div", { class: "bar" },
      field("State", select(STATES, query.get("state") ?? "", (value) => change("state", value))).element,
      field("Cause", select(CAUSES, query.get("cause") ?? "", (value) => change("cause", value))).element,
      field("Reason contains", h("input", { type: "search", value: query.get("reason") ?? "", oninput: whenRested((event) => change("reason", event.target.value.trim())) }), { className: "grow" }).element,
      field("Micro-batch", h("input", { type: "search", inputmode: "numeric", value: query.get("batch_id") ?? "", oninput: whenRested((event) => change("batch_id", event.target.value.replace(/\D/g, ""))) })).element),
    shown.element,
  );
}

const COLUMNS = [
  { title: "Received", className: "nowrap", cell: ({ received_at }) => clock(received_at) },
  { title: "State", cell: ({ state }) => badge(state, TONES[state]) },
  { title: "Cause", cell: ({ cause }) => cause },
  { title: "Reason", className: "wide", cell: ({ reason }) => reason },
  { title: "What came in", className: "wide", cell: ({ raw, raw_encoding }) => h("span", { class: "clip mono soft" }, raw_encoding === "text" ? raw.slice(0, 200) : `${raw.slice(0, 60)}… (bytes)`) },
];

async function redriveMany(asked, done) {
  const parameters = { ...asked, limit: 10_000 };
  try {
    const trial = await post("dead-letters/redrive", undefined, { parameters: { ...parameters, dry_run: true } });
    const sentence = `${counted(trial.redriven, "letter")} would go through the stream again; ${whole(trial.unfit_count)} can't as they are. An event is stored once, however often it is redriven.`;
    if (trial.redriven === 0) {
      say(`None of them can be redriven as they are (${counted(trial.unfit_count, "letter")} looked at).`, "critical");
      return;
    }
    if (!(await confirm("Redrive dead letters", sentence, `Redrive ${whole(trial.redriven)}`))) return;
    const result = await post("dead-letters/redrive", undefined, { parameters });
    say(`${counted(result.redriven, "letter")} redriven${result.unfit_count ? `, ${whole(result.unfit_count)} could not be` : ""}.`);
  } catch (fault) {
    say(fault.message, "critical");
  }
  done();
}

/** One letter: what came in beside what would be sent, to be mended, tried, redriven or discarded. */
export function openOne({ outlet, params, signal }) {
  const path = `dead-letters/${encodeURIComponent(params.id)}`;
  const content = h("div", { class: "stack" });
  outlet.append(h("div", { class: "page-head" }, h("nav", { class: "crumbs", "aria-label": "Back" }, h("a", { href: "#/dead-letters" }, "Dead letters")), h("h1", null, `Dead letter ${params.id}`)), content);
  const show = async () => {
    try {
      replace(content, contentOf(await get(path, {}, { signal }), path, show));
    } catch (fault) {
      if (!signal.aborted) replace(content, h("p", { class: "failed" }, fault.message));
    }
  };
  return show();
}

function contentOf(letter, path, show) {
  const closed = letter.state === "redriven" || letter.state === "discarded";
  const editor = field("Event to be sent instead", h("textarea", {
    class: "bytes", rows: 16, spellcheck: "false", readonly: closed, value: letter.event ? JSON.stringify(letter.event, null, 2) : letter.raw_encoding === "text" ? letter.raw : "",
  }), { hint: "Read as POST /events reads it. What came in is kept beside it." });
  editor.fail(letter.issues.map(({ path, message }) => [...path, message].join(": ")).join(" · "));
  const act = (words, work) => async () => {
    try {
      const result = await work();
      if (result === false) return;
      say(words(result));
      await show();
    } catch (fault) {
      if (!(fault instanceof ApiError)) throw fault;
      const issues = fault.issues.map(({ path, message }) => [...path, message].join(": ")).join(" · ");
      editor.fail(issues || fault.message);
      say(issues || fault.message, "critical");
    }
  };
  const save = () => patch(path, undefined, { text: editor.control.value });
  const button = (text, onclick, tone = "") => h("button", { type: "button", class: `button ${tone}`, onclick }, text);
  return [
    h("section", { class: "panel padded" },
      h("dl", { class: "facts" },
        h("dt", null, "State"), h("dd", null, badge(letter.state, TONES[letter.state]), letter.closed_at && ` ${clock(letter.closed_at)}`),
        h("dt", null, "Why"), h("dd", null, `${letter.cause}: ${letter.reason}`),
        h("dt", null, "Received"), h("dd", null, clock(letter.received_at, { milliseconds: true, day: "always" })),
        h("dt", null, "Came in"), h("dd", null, h("a", { href: link("/batches", { batch: letter.batch_id }) }, `micro-batch ${letter.batch_id}`), `, stream entry ${letter.entry}, line ${letter.line}`),
        h("dt", null, "Event id"), h("dd", { class: "mono" }, letter.event_id ? h("a", { href: link(`/events/${letter.event_id}`) }, letter.event_id) : "–"))),
    h("div", { class: "grid" },
      h("section", { class: "panel padded span-6" }, h("h2", null, "What came in"),
        h("p", { class: "soft small" }, `${counted(letter.raw_bytes, "byte")}, ${letter.raw_encoding === "text" ? "to the letter" : "no text; shown as hexadecimal"}`),
        h("pre", { class: "json", tabindex: "0", role: "region", "aria-label": "What came in" }, letter.raw_encoding === "text" ? letter.raw : hexadecimal(letter.raw))),
      h("section", { class: "panel padded span-6" }, h("h2", null, letter.edited ? "What would be sent, as edited" : "What would be sent"), editor.element,
        h("div", { class: "buttons" },
          !closed && button("Discard", act(() => "Discarded. It stays in the ledger as dead-lettered.", async () =>
            (await confirm("Discard this letter", "It is closed and not sent on. What came in is kept as long as the ledger.", "Discard", { tone: "danger" })) && post(`${path}/discard`)), "danger"),
          button("Dry run", act((result) => `Event ${result.event_id} ${result.status}.`, () => post(`${path}/redrive`, undefined, { parameters: { dry_run: true } }))),
          !closed && button("Save", act(() => "Saved.", save)),
          button(closed ? "Redrive again" : "Save and redrive", act(() => "Redriven: the event goes through the stream again.", async () => {
            if (!closed && editor.control.value.trim()) await save();
            return post(`${path}/redrive`);
          }), "primary"))))];
}

/** Bytes in lines of sixteen, with what can be read of them at the right. */
function hexadecimal(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const lines = [];
  for (let at = 0; at < Math.min(bytes.length, 8192); at += 16) {
    const part = [...bytes.slice(at, at + 16)];
    const codes = part.map((byte) => byte.toString(16).padStart(2, "0")).join(" ").padEnd(47);
    lines.push(`${at.toString(16).padStart(6, "0")}  ${codes}  ${part.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : ".")).join("")}`);
  }
  return lines.join("\n");
}
