"""Second: rules in shadow mode are watched, and never notify."""

from rules.routing.alert import RoutedAlert
from rules.routing.verdict import Verdict, goes_on, held


def is_live(alert: RoutedAlert) -> Verdict:
    """Whether the alert's rule may notify."""
    return held("shadow rule") if alert.mode == "shadow" else goes_on("live rule")
