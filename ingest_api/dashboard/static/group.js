// The group of an anomaly or alert in a few words: {"payload.ip": "10.0.0.1"} reads "ip 10.0.0.1".

/** "ip 10.0.0.1, user root"; empty for a rule without groups. */
export function groupText(group) {
  return Object.entries(group ?? {})
    .map(([name, value]) => `${name.split(".").at(-1)} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}
