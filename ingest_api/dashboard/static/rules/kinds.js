// The fields of the form: those that every rule has, and those of each type of condition. What the form does not know stands in the text.

const seconds = (key, label, hint) => ({ key, label: `${label}, seconds`, type: "number", hint });
const list = (key, label, hint) => ({ key, label, type: "list", hint });
const number = (key, label, hint) => ({ key, label, type: "number", hint });
const text = (key, label, hint, more = {}) => ({ key, label, type: "text", hint, ...more });
const choose = (key, label, options, hint) => ({ key, label, type: "select", options, hint });

const OPERATORS = [">", ">=", "<", "<=", "==", "!="];
const METRICS = ["count", "rate", "sum", "avg", "min", "max", "stddev", "distinct", "p50", "p90", "p95", "p99", "ratio"];
const FILTERS = [
  list("condition.filters.event_type", "Event type", "One, or several with commas. Empty: all"),
  list("condition.filters.source", "Source", "One, or several with commas. Empty: all"),
  text("condition.filters.where", "Where", "SQL: payload.status >= 500 and source <> 'test'", { wide: true, mono: true, lines: 2 }),
];
const of = (metric) => !["count", "rate", "ratio", undefined].includes(metric);
const MEASURED = [
  choose("condition.metric", "Metric", METRICS),
  text("condition.field", "Of field", "payload.ms", { mono: true, when: (condition) => of(condition.metric) }),
  text("condition.numerator.where", "Share of those where", "payload.status >= 500", { wide: true, mono: true, when: (condition) => condition.metric === "ratio" }),
];
const COMPARED = [choose("condition.operator", "Operator", OPERATORS), number("condition.value", "Value")];

/** Fields that every rule has; `more` ones are folded away until they are wanted. */
export const COMMON = [
  text("name", "Name", null, { wide: true }),
  choose("severity", "Severity", ["critical", "warning", "info"]),
  choose("mode", "Mode", ["live", "shadow"], "shadow: judged and kept, never notifies"),
];
export const TIMING = [
  seconds("window_seconds", "Window", "How far back each event is judged"),
  seconds("cooldown_seconds", "Cooldown", "Silence after an anomaly, by group"),
  list("group_by", "Group by", "payload.ip, source: each value is judged on its own"),
];
export const MORE = [
  seconds("for_seconds", "Must hold for"),
  seconds("keep_firing_seconds", "Lives on for"),
  number("max_groups", "Most groups"),
  text("summary", "Summary", "{value} failed logins from {group[payload.ip]}", { wide: true }),
  { key: "labels", label: "Labels", type: "pairs", hint: "team: security, one a line", wide: true },
];

/** What each type of condition is for, and its fields. */
export const KINDS = {
  match: ["Every event that passes the filters", FILTERS],
  threshold: ["A metric over the window, against a number", [...MEASURED, ...COMPARED, number("condition.min_count", "At least so many events"), ...FILTERS]],
  change: ["A metric now, against the same some time ago", [...MEASURED, choose("condition.compare", "Compare", ["ratio", "difference", "percent"]),
    seconds("condition.offset_seconds", "Ago"), ...COMPARED, number("condition.min_count", "At least so many events"), ...FILTERS]],
  absence: ["A known group is silent for a whole window", [seconds("condition.remember_seconds", "Groups are known for"), ...FILTERS]],
  deviation: ["A metric far from what its own past predicts", [...MEASURED, choose("condition.method", "Method", ["zscore", "mad", "ewma", "seasonal"]),
    number("condition.value", "Spreads away"), choose("condition.direction", "Direction", ["both", "up", "down"]), seconds("condition.bucket_seconds", "Bucket"),
    number("condition.baseline_buckets", "Buckets of baseline"), { ...choose("condition.season", "Season", ["day", "week"]), when: ({ method }) => method === "seasonal" },
    number("condition.min_spread", "Smallest spread"), ...FILTERS]],
  new_value: ["A value that the group has not had before", [text("condition.field", "Field", "payload.country", { mono: true }), seconds("condition.lookback_seconds", "Looks back"),
    seconds("condition.learn_seconds", "Learns for"), ...FILTERS]],
  transition: ["A field differs from the event before", [text("condition.field", "Field", "payload.state", { mono: true }), list("condition.from", "From"), list("condition.to", "To"), ...FILTERS]],
  sequence: ["Steps that happen in this order", [{ type: "note", label: "Steps are written in the text: each has a name and filters; absent: true on the last one says that it did not happen." }]],
  composite: ["Other rules, with and, or, not", [text("condition.expression", "Expression", "\"many errors\" and not \"planned work\"", { wide: true, mono: true, lines: 2 })]],
};

/** A rule to begin with. */
export const FIRST_DRAFT = {
  name: "", severity: "warning", window_seconds: 60, cooldown_seconds: 300,
  condition: { type: "threshold", metric: "count", operator: ">", value: 5 },
};

/** What a condition needs at least, when its type is chosen. */
export const BEGINNINGS = {
  match: {},
  threshold: { metric: "count", operator: ">", value: 5 },
  change: { metric: "count", compare: "ratio", operator: ">", value: 2 },
  absence: {},
  deviation: { metric: "count", method: "zscore", value: 3 },
  new_value: { field: "source" },
  transition: { field: "source" },
  sequence: { steps: [{ name: "first", filters: { event_type: "" } }, { name: "then", filters: { event_type: "" } }] },
  composite: { expression: "" },
};
