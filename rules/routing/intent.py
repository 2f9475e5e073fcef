"""An intent to notify: that an alert has changed, as the outbox has it."""

from dataclasses import dataclass
from typing import Literal

from rules.routing.alert import RoutedAlert

What = Literal["opened", "acknowledged", "resolved"]


@dataclass(frozen=True)
class Intent:
    """One row of the outbox, with its alert as it is now. `asked`: history that shall notify nevertheless."""

    outbox_id: int
    what: What
    origin: str
    asked: bool
    alert: RoutedAlert
