"""A message in Slack's own markup, within what one block of Slack holds."""

from collections.abc import Iterator

from eventpulse.message import AlertLine, Message
from eventpulse.notify.as_text import alone, facts, headline, in_short

#: Slack refuses a block of more than 3,000 characters, and a header of more than 150.
LONGEST_TEXT, LONGEST_HEADER = 2_900, 150


def as_slack(message: Message) -> str:
    """The text of the section. What events say is escaped, so that nothing in them mentions or links anybody."""
    blocks = ["\n".join(slack_escape(line) for line in message.summary)] if message.summary else []
    left, shown = LONGEST_TEXT - sum(map(len, blocks)) - 200, 0
    alerts = [*message.firing, *message.resolved]
    for alert in alerts:
        block = "\n".join(_alert(alert, message))
        left -= len(block) + 2
        if left < 0 and shown:
            break
        blocks.append(block[:LONGEST_TEXT])
        shown += 1
    if more := message.more + len(alerts) - shown:
        blocks.append(f"… and {more:,} more: {_link(message.link, 'all alerts')}")
    elif not alerts:
        blocks.append(_link(message.link, "Open EventPulse"))
    return "\n\n".join(blocks)


def slack_escape(text: str) -> str:
    """Text in which Slack sees no mention and no link. A word between asterisks may become bold, and no more."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _alert(alert: AlertLine, message: Message) -> Iterator[str]:
    if not alone(message):
        yield f"*{slack_escape(headline(alert, message))}*"
    yield slack_escape(alert.says)
    if alone(message):
        for name, value in facts(alert):
            yield f"*{name}:* {slack_escape(value)}"
    else:
        yield slack_escape(in_short(alert))
    links = [_link(alert.link, "Open the alert")]
    if alert.runbook:
        links.append(_link(alert.runbook, "Runbook"))
    yield "  ·  ".join(links)


def _link(address: str, text: str) -> str:
    safe = address.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")
    return f"<{safe}|{text}>"
