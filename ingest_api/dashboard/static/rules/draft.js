// A rule while it is being written: as a document, as text, and with what is wrong with it. The API reads it after each pause in the typing.

import { ApiError, post, wasLeft } from "../api.js";
import { whenRested } from "../field.js";

/**
 * A draft: { document, yaml, faults, valid, reading, write(text, format), put(document), set(path, value), on(listener) }.
 *
 * `document` is the rule as it was last understood, `yaml` its text. A listener hears of each change, with what made it: "text", "form" or
 * "read" (the API has answered). Of a `fresh` one, in which nobody has written yet, no fault is told: what is missing is not wrong.
 */
export function draft(document, signal, { fresh = false } = {}) {
  const listeners = new Set();
  const state = { document, yaml: "", faults: [], valid: false, reading: true, revision: 0 };
  let asked = 0;

  function tell(what) {
    for (const listener of listeners) listener(what);
  }

  async function read(body, asYaml = false) {
    const mine = ++asked;
    try {
      const answer = await post("rules/text", body, { signal });
      if (mine !== asked) return;
      state.faults = answer.faults;
      state.valid = answer.valid;
      if (answer.rule) state.document = answer.rule;
      // What somebody writes as YAML stays as it is written, with its comments.
      if (answer.yaml && !asYaml) state.yaml = answer.yaml;
    } catch (fault) {
      if (mine !== asked || wasLeft(fault) || signal.aborted) return;
      state.valid = false;
      state.faults = [{ path: [], line: 1, column: 1, message: fault instanceof ApiError ? fault.message : String(fault) }];
    }
    state.reading = false;
    tell("read");
  }
  const soon = whenRested(read, 250);

  /** Note a change. An answer to what stood there before says nothing of it any more, and must not undo it. */
  function change(from) {
    asked += 1;
    state.reading = true;
    state.revision += 1;
    tell(from);
  }

  function put(next, { from = "form", at = "soon" } = {}) {
    state.document = next;
    change(from);
    if (at === "once") read({ rule: next });
    else soon({ rule: next });
  }

  read({ rule: document });
  return {
    get document() { return state.document; },
    get yaml() { return state.yaml; },
    get faults() { return fresh && state.revision === 0 ? [] : state.faults; },
    get valid() { return state.valid && !state.reading; },
    get reading() { return state.reading; },
    /** Grows with each change that a person makes. */
    get revision() { return state.revision; },
    on: (listener) => listeners.add(listener),
    put,
    /** Take a text that somebody is writing, in "yaml" or "json". */
    write(text, format) {
      if (format === "yaml") state.yaml = text;
      change("text");
      soon({ text }, format === "yaml");
    },
    /** Put a value at a path of keys; undefined takes it away, and what is empty without it. */
    set(path, value) {
      put(changed(state.document, path, value));
    },
  };
}

/** A copy of `document` with `value` at the path. */
export function changed(document, [key, ...deeper], value) {
  const copy = { ...(document && typeof document === "object" && !Array.isArray(document) ? document : {}) };
  const inner = deeper.length ? changed(copy[key], deeper, value) : value;
  if (inner === undefined || (deeper.length && Object.keys(inner).length === 0)) delete copy[key];
  else copy[key] = inner;
  return copy;
}

/** What stands at a path of keys. */
export function at(document, path) {
  return path.reduce((inner, key) => inner?.[key], document);
}
