"""A message as HTML for mail: no scripts, no pictures, nothing loaded from anywhere; text from events is text.

Addresses are written out and every fact is a line of its own, so that the plain text which Apprise makes of it for the
same mail says as much.
"""

from html import escape

from eventpulse.message import AlertLine, Message
from eventpulse.notify.as_text import alone, facts, headline, in_short

_COLOURS = {"critical": "#b3261e", "warning": "#8a5a00", "info": "#1f5fa8", "over": "#1e6b34"}
_BODY = "font-family:system-ui,-apple-system,Segoe UI,Roboto,sans-serif;font-size:15px;line-height:1.45;color:#1c1b1f"
_NAME = "display:inline-block;min-width:88px;color:#605d66"


def as_html(message: Message) -> str:
    """The body of a mail."""
    severity = "over" if message.kind == "resolved" else message.severity
    parts = [f'<div style="{_BODY};max-width:640px">']
    parts.append(
        f'<p style="margin:0 0 12px;font-size:18px;font-weight:600;color:{_COLOURS[severity]}">'
        f"{escape(message.subject)}</p>"
    )
    parts += [f'<p style="margin:0 0 8px">{escape(line)}</p>' for line in message.summary]
    parts += [_alert(alert, message) for alert in (*message.firing, *message.resolved)]
    if message.more:
        parts.append(f"<p>… and {message.more:,} more: {_anchor(message.link)}</p>")
    elif not message.firing and not message.resolved:
        parts.append(f"<p>{_anchor(message.link)}</p>")
    parts.append("</div>")
    return "\n".join(parts)


def _alert(alert: AlertLine, message: Message) -> str:
    colour = _COLOURS["over" if alert.state == "over" else alert.severity]
    single = alone(message)
    rows = (
        [(name, escape(value)) for name, value in facts(alert)] if single else [("In short", escape(in_short(alert)))]
    )
    rows.append(("Alert", _anchor(alert.link)))
    if alert.runbook:
        rows.append(("Runbook", _anchor(alert.runbook)))
    lines = "".join(f'<div><span style="{_NAME}">{name}: </span>{value}</div>' for name, value in rows)
    head = "" if single else f'<div style="font-weight:600">{escape(headline(alert, message))}</div>'
    return (
        f'<div style="margin:0 0 14px;padding:2px 0 2px 12px;border-left:4px solid {colour}">{head}'
        f'<div style="margin:0 0 4px">{escape(alert.says)}</div>{lines}</div>'
    )


def _anchor(link: str) -> str:
    address = escape(link, quote=True)
    return f'<a href="{address}" style="color:#1f5fa8">{address}</a>'
