"""The traffic of the demonstration, second by second: requests, orders, logins and heartbeats of a web shop."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from math import pi, sin
from typing import Any

from eventpulse.clock import iso_utc
from eventpulse.demo.incidents import ERRORS, GUESSING, SILENCE, UNPAID, incident_at

_WEB = ("web-1", "web-2", "web-3")
_HOSTS = (*_WEB, "db-1", "db-2")
_ROUTES = ("/", "/search", "/article", "/cart", "/checkout")
_WEIGHTS = (30, 25, 30, 10, 5)
_BROWSERS = ("Firefox/144", "Chrome/147", "Safari/26")
_HEARTBEAT_EVERY = 5
_ORDER_SHARE = 0.04
#: The busiest second has so much more than the mean, the quietest so much less; one wave lasts ten minutes.
_WAVE, _WAVE_SECONDS = 0.4, 600

Event = dict[str, Any]


def events_of_second(second: int, start: datetime, per_second: float, seed: int) -> list[Event]:
    """What happens in one second after `start`, in the order of time; the same for the same arguments."""
    chance = random.Random(f"{seed} {second}")
    incident = incident_at(second)
    busy = per_second * (1 + _WAVE * sin(2 * pi * second / _WAVE_SECONDS))
    found: list[tuple[float, str, str, Event]] = []
    for _ in range(_about(busy, chance)):
        found += _request(chance, slow=incident is ERRORS)
    for _ in range(_about(busy * _ORDER_SHARE, chance)):
        found += _order(chance, paid=incident is not UNPAID)
    if chance.random() < 0.05 or incident is GUESSING:
        found += _failed_logins(chance, guessing=incident is GUESSING)
    if second % _HEARTBEAT_EVERY == 0:
        silent = {"db-2"} if incident is SILENCE else set()
        found += [(chance.random(), "heartbeat", host, {}) for host in _HOSTS if host not in silent]
    begin = start + timedelta(seconds=second)
    return [
        {"event_type": kind, "source": source, "timestamp": iso_utc(begin + timedelta(seconds=at)), "payload": payload}
        for at, kind, source, payload in sorted(found, key=lambda happening: happening[0])
    ]


def _about(mean: float, chance: random.Random) -> int:
    """A whole number with this mean."""
    return int(mean) + (chance.random() < mean % 1)


def _request(chance: random.Random, *, slow: bool) -> Iterator[tuple[float, str, str, Event]]:
    source = chance.choice(_WEB)
    ill = slow and source == "web-2"
    status = chance.choices((503, 404, 200), (35, 2, 63) if ill else (0.5, 2, 97.5))[0]
    payload = {
        "route": chance.choices(_ROUTES, _WEIGHTS)[0],
        "status": status,
        "ms": round(chance.lognormvariate(5.8 if ill else 4.2, 0.5), 1),
        "ip": f"198.51.100.{chance.randrange(1, 255)}",
        "user_agent": chance.choice(_BROWSERS),
    }
    yield chance.random(), "http_request", source, payload


def _order(chance: random.Random, *, paid: bool) -> Iterator[tuple[float, str, str, Event]]:
    cart, amount = f"{chance.getrandbits(40):010x}", round(chance.lognormvariate(3.5, 0.8), 2)
    at = chance.random() / 2
    yield at, "checkout_started", "shop", {"cart": cart, "amount": amount}
    if paid:
        yield at + 0.4, "payment_received", "shop", {"cart": cart, "amount": amount}


def _failed_logins(chance: random.Random, *, guessing: bool) -> Iterator[tuple[float, str, str, Event]]:
    ip = "203.0.113.7" if guessing else f"198.51.100.{chance.randrange(1, 255)}"
    for _ in range(3 if guessing else 1):
        user = chance.choice(("root", "admin", "test", "deploy"))
        yield chance.random(), "ssh_failed_password", "bastion", {"ip": ip, "user": user}
