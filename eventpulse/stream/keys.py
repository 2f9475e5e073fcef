"""Every key and channel EventPulse uses in Redis, and what each one holds.

With several shards there are `events_stream:{k}`, `events_accepted:{k}` and `worker:health:{k}` for each (shards.py).
"""

#: Stream of accepted events. An entry holds one flush: `events` = JSON lines (StreamedEvent), `count` = how many,
#: `counter` and `accepted` = the running number of its last event (see EVENTS_ACCEPTED). Where a flush is shared among
#: shards, its entries have the same id, and `places` = which events of the flush these are (split.py).
EVENTS_STREAM = "events_stream"
#: Hash, the counter of accepted events: `counter` = its id, new where Redis has lost its memory; `accepted` = how many
#: events it has counted, raised in the very step that adds them; `settled` = how many of those the drain has done with.
EVENTS_ACCEPTED = "events_accepted"
#: Into how many streams events can be shared.
MOST_SHARDS = 64
#: String: the id of the last entry that was shared among shards, so that ids are in one order over all their streams.
EVENTS_ORDER = "events_order"
#: Consumer group of the drain, created from `0`.
EVENTS_GROUP = "event_persister"
#: The one consumer name: what a dead leader left unacknowledged is its successor's own pending list.
DRAIN_CONSUMER = "drain"

#: Channel: a rule was created, changed or removed. Message: the rule's id.
RULES_CHANGED = "rules_changed"
#: Channel: one JSON message for each new anomaly, as the WebSocket sends it.
ANOMALY_NOTIFICATIONS = "anomaly_notifications"
#: Channel: one JSON message for each change of an alert.
ALERT_NOTIFICATIONS = "alert_notifications"
#: Channel: one JSON message for a micro-batch, at most a few a second.
BATCH_NOTIFICATIONS = "batch_notifications"
#: String with expiry: JSON of the leading drain's heartbeat. Absent = nobody drains.
WORKER_HEALTH = "worker:health"

#: Channel: an API key was made or revoked, or a session ended. Message: empty.
KEYS_CHANGED = "keys_changed"
#: String: the keys that may send events, for an API that starts while PostgreSQL is away (shared_keys.py).
INGEST_KEYS = "api_keys:ingest"
#: Sorted set of sessions that were ended before their time, by the second in which they would have expired.
ENDED_SESSIONS = "sessions:ended"
