// Speaks to the API. An error is an ApiError whose message is the sentence that the API answered with.

const BASE = new URL("api/v1/", document.baseURI);
const LONGEST_MILLISECONDS = 30_000;

export class ApiError extends Error {
  /** `status` is 0 where no answer came. `issues` name the fields that were refused, where the API says so. */
  constructor(message, status, body = null) {
    super(message);
    this.status = status;
    this.body = body;
    this.issues = body?.issues ?? [];
  }
}

const whenSignedOut = new Set();

/** Call `listener` when an answer says that this browser is not, or no longer, signed in. */
export function onSignedOut(listener) {
  whenSignedOut.add(listener);
}

/** GET. Parameters that are null, undefined or "" are left out. */
export function get(path, parameters = {}, { signal } = {}) {
  return ask("GET", path, { parameters, signal });
}

/** POST, PUT, PATCH, DELETE, with a body as JSON where there is one. */
export const post = (path, body, options) => ask("POST", path, { body, ...options });
export const put = (path, body, options) => ask("PUT", path, { body, ...options });
export const patch = (path, body, options) => ask("PATCH", path, { body, ...options });
export const remove = (path, options) => ask("DELETE", path, { ...options });

async function ask(method, path, { parameters = {}, body, text, signal } = {}) {
  const address = new URL(path, BASE);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") address.searchParams.set(name, value);
  }
  const sent = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const signals = [AbortSignal.timeout(LONGEST_MILLISECONDS), ...(signal ? [signal] : [])];
  let response;
  let answered;
  try {
    response = await fetch(address, {
      method,
      body: sent,
      headers: sent === undefined ? {} : { "content-type": "application/json" },
      signal: AbortSignal.any(signals),
    });
    answered = await response.text();
  } catch (fault) {
    if (signal?.aborted) throw fault;
    throw new ApiError("EventPulse does not answer. The page goes on trying.", 0);
  }
  const content = parsed(answered);
  if (response.ok) return content;
  if (response.status === 401) for (const listener of whenSignedOut) listener();
  throw new ApiError(sentence(content, response), response.status, content);
}

/** Whether an error only says that the page was left. */
export function wasLeft(fault) {
  return fault instanceof DOMException && fault.name === "AbortError";
}

/** Who this browser is to the API: { keys_needed, signed_in, name, scopes, … }. */
export const session = () => get("session");
export const signIn = (key) => post("session", { key });
export const signOut = () => remove("session");

/** A number that JavaScript cannot hold, as it was sent: 9007199254740993. */
export class ExactNumber {
  constructor(digits) {
    this.digits = digits;
  }

  toString() {
    return this.digits;
  }
}

function parsed(text) {
  if (text === "") return null;
  try {
    return JSON.parse(text, exact);
  } catch {
    return null;
  }
}

// Browsers that do not hand over the source of a number show it rounded.
function exact(name, value, context) {
  const tooLong = typeof value === "number" && context?.source?.length > 15 && String(value) !== context.source;
  return tooLong ? new ExactNumber(context.source) : value;
}

function sentence(content, response) {
  const error = content?.error;
  const first = content?.issues?.[0];
  if (typeof error === "string") {
    return first ? `${error}: ${[...(first.path ?? []), ""].join(": ")}${first.message}` : error;
  }
  if (error && typeof error === "object") {
    const fields = Object.entries(error.fieldErrors ?? {}).map(([name, faults]) => `${name}: ${faults[0]}`);
    const said = [...(error.formErrors ?? []), ...fields];
    if (said.length) return said.join(" · ");
  }
  return `EventPulse answered ${response.status} ${response.statusText}`.trim();
}
