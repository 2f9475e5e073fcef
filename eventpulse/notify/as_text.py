"""A message as plain text: short lines, the important first, an address on a line of its own."""

from collections.abc import Iterator

from eventpulse.message import AlertLine, Message


def as_text(message: Message) -> str:
    """The body; the subject is not repeated in it."""
    blocks = ["\n".join(message.summary)] if message.summary else []
    blocks += ["\n".join(_alert(alert, message)) for alert in (*message.firing, *message.resolved)]
    if message.more:
        blocks.append(f"… and {message.more:,} more: {message.link}")
    elif not message.firing and not message.resolved:
        blocks.append(message.link)
    return "\n\n".join(blocks)


def headline(alert: AlertLine, message: Message) -> str:
    """What and where, for a message that tells of several."""
    over = ", over" if alert.state == "over" else ""
    return f"{alert.severity.upper()}{over}  {alert.rule}" + (f" – {alert.where}" if alert.where else "")


def facts(alert: AlertLine) -> Iterator[tuple[str, str]]:
    """What there is to know of an alert besides its own words, as names and values."""
    if alert.where:
        yield "Where", alert.where
    if alert.value is not None:
        yield "Value", alert.value + (f" (expected {alert.expected})" if alert.expected else "")
    elif alert.expected:
        yield "Expected", alert.expected
    over = alert.state == "over"
    yield "Since", f"{alert.since}, {'lasted' if over else 'for'} {alert.lasted}" + (", over now" if over else "")
    if alert.anomalies > 1:
        yield "Anomalies", f"{alert.anomalies:,} so far" if not over else f"{alert.anomalies:,}"


def alone(message: Message) -> bool:
    """Whether a message tells of one alert only; its subject has said what and where then."""
    return len(message.firing) + len(message.resolved) + message.more == 1


def _alert(alert: AlertLine, message: Message) -> Iterator[str]:
    if not alone(message):
        yield headline(alert, message)
    yield alert.says
    if alone(message):
        for name, value in facts(alert):
            yield f"{name + ':':<10} {value}"
    else:
        yield ", ".join(value for name, value in facts(alert) if name != "Where")
    yield f"{'Alert:':<10} {alert.link}" if alone(message) else alert.link
    if alert.runbook:
        yield f"{'Runbook:':<10} {alert.runbook}"
