"""Fourth: while one alert fires, others that follow from it stay quiet."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from rules.routing.alert import RoutedAlert
from rules.routing.matcher import Matcher
from rules.routing.verdict import Verdict, goes_on, held

#: An inhibited alert is looked at again so soon; nothing tells when its cause ends.
LOOK_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True)
class Inhibition:
    """While an alert that `source` matches fires, those that `target` matches are held, if both mean the same by each
    path of `equal`. Two alerts that both lack a value mean the same by it."""

    inhibition_id: UUID
    source: Matcher
    target: Matcher
    equal: tuple[str, ...] = ()


def not_inhibited(
    alert: RoutedAlert, inhibitions: Iterable[Inhibition], firing: Iterable[RoutedAlert], now: datetime
) -> Verdict:
    """Whether no firing alert mutes this one. `firing` may hold the alert itself, which never mutes itself, nor does
    an alert that is a source and a target alike mute others like it."""
    sources = list(firing)
    for inhibition in inhibitions:
        if not inhibition.target.matches(alert) or inhibition.source.matches(alert):
            continue
        for source in sources:
            if source.fires and source.alert_id != alert.alert_id and _mutes(inhibition, source, alert):
                return held(
                    f'inhibited by the alert {source.alert_id} of "{source.rule_name}"', look_again_at=now + LOOK_AGAIN
                )
    return goes_on("not inhibited")


def _mutes(inhibition: Inhibition, source: RoutedAlert, alert: RoutedAlert) -> bool:
    if not inhibition.source.matches(source):
        return False
    return all(source.value_of(path) == alert.value_of(path) for path in inhibition.equal)
