"""A message as HTML for mail: no scripts, no pictures, nothing loaded from anywhere; text from events is text."""

from html import escape

from eventpulse.message import AlertLine, Message
from eventpulse.notify.as_text import alone, facts, headline

_COLOURS = {"critical": "#b3261e", "warning": "#8a5a00", "info": "#1f5fa8", "over": "#1e6b34"}
_BODY = "font-family:system-ui,-apple-system,Segoe UI,Roboto,sans-serif;font-size:15px;line-height:1.45;color:#1c1b1f"


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
        parts.append(f"<p>… and {message.more:,} more: {_anchor(message.link, 'all alerts')}</p>")
    elif not message.firing and not message.resolved:
        parts.append(f"<p>{_anchor(message.link, 'Open EventPulse')}</p>")
    parts.append("</div>")
    return "\n".join(parts)


def _alert(alert: AlertLine, message: Message) -> str:
    colour = _COLOURS["over" if alert.state == "over" else alert.severity]
    rows = "".join(
        f'<tr><td style="padding:1px 14px 1px 0;color:#605d66;vertical-align:top">{escape(name)}</td>'
        f'<td style="padding:1px 0">{escape(value)}</td></tr>'
        for name, value in facts(alert)
    )
    head = "" if alone(message) else f'<div style="font-weight:600">{escape(headline(alert, message))}</div>'
    links = [_anchor(alert.link, "Open the alert")]
    if alert.runbook:
        links.append(_anchor(alert.runbook, "Runbook"))
    return (
        f'<div style="margin:0 0 14px;padding:2px 0 2px 12px;border-left:4px solid {colour}">{head}'
        f'<div style="margin:0 0 4px">{escape(alert.says)}</div>'
        f'<table style="border-collapse:collapse;font-size:14px">{rows}</table>'
        f'<div style="margin-top:6px">{" &nbsp;·&nbsp; ".join(links)}</div></div>'
    )


def _anchor(link: str, text: str) -> str:
    return f'<a href="{escape(link, quote=True)}" style="color:#1f5fa8">{escape(text)}</a>'
