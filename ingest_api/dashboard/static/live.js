// One WebSocket for the whole page. It comes back by itself, and everybody can see whether it is there.

const FIRST_BACK_OFF = 500;
const LONGEST_BACK_OFF = 10_000;
const TYPES = "anomaly,alert,batch";

const listeners = new Map();
let socket = null;
let backOff = FIRST_BACK_OFF;
let retry = null;
let wanted = false;

/** "connecting", "open", or "lost"; `since` is when it became so. */
export const connection = { state: "connecting", since: Date.now() };

/** Call `listener` with each message of a type ("anomaly", "alert", "batch"), or with each "state". Ends with `signal`. */
export function on(type, listener, signal) {
  if (!listeners.has(type)) listeners.set(type, new Set());
  listeners.get(type).add(listener);
  signal?.addEventListener("abort", () => listeners.get(type).delete(listener));
}

/** Open the connection, and keep it open from now on. */
export function connect() {
  wanted = true;
  clearTimeout(retry);
  if (socket && socket.readyState <= WebSocket.OPEN) return;
  const address = new URL(`ws?types=${TYPES}`, document.baseURI);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const opened = new WebSocket(address);
  socket = opened;
  opened.addEventListener("open", () => {
    backOff = FIRST_BACK_OFF;
    become("open");
  });
  opened.addEventListener("message", ({ data }) => {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    tell(message.type, message);
  });
  opened.addEventListener("close", () => {
    if (socket !== opened) return;
    socket = null;
    if (!wanted) return;
    become("lost");
    retry = setTimeout(connect, backOff * (0.75 + Math.random() / 2));
    backOff = Math.min(backOff * 2, LONGEST_BACK_OFF);
  });
}

/** Close the connection, and leave it closed. */
export function disconnect() {
  wanted = false;
  clearTimeout(retry);
  socket?.close();
}

/** Do not wait for the next try: somebody is looking, or the network is back. */
export function tryNow() {
  if (wanted && socket === null) {
    backOff = FIRST_BACK_OFF;
    connect();
  }
}

function become(state) {
  if (connection.state === state) return;
  connection.state = state;
  connection.since = Date.now();
  tell("state", connection);
}

function tell(type, message) {
  for (const listener of listeners.get(type) ?? []) listener(message);
}

addEventListener("online", tryNow);
document.addEventListener("visibilitychange", () => document.hidden || tryNow());
