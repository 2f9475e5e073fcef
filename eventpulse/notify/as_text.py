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
        yield "Value", alert.value + (f" ({alert.against}: {alert.expected})" if alert.expected else "")
    elif alert.expected:
        yield alert.against.capitalize(), alert.expected
    yield "Since", since(alert)
    if alert.anomalies > 1:
        yield "Anomalies", f"{alert.anomalies:,}" + ("" if alert.state == "over" else " so far")


def since(alert: AlertLine) -> str:
    """When it began and how long it has lasted."""
    if alert.state == "over":
        return f"{alert.since}, lasted {alert.lasted}, over now"
    return f"{alert.since}, " + (f"for {alert.lasted}" if alert.lasted else "just now")


def in_short(alert: AlertLine) -> str:
    """The facts in one line, for a message that tells of several."""
    value = [f"{alert.value} ({alert.against}: {alert.expected})" if alert.expected else alert.value]
    return ", ".join([*(each for each in value if alert.value is not None and each), f"since {since(alert)}"])


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
        yield in_short(alert)
    yield f"{'Alert:':<10} {alert.link}" if alone(message) else alert.link
    if alert.runbook:
        yield f"{'Runbook:':<10} {alert.runbook}"
