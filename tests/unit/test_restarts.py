"""When a program that ended is started again, and when that is given up."""

import pytest

from eventpulse.embedded.restarts import GiveUp, StartAgain, after_an_end


@pytest.mark.parametrize(
    ("ends", "has_answered", "decision"),
    [
        ([100.0], True, StartAgain(0.5)),
        ([99.0, 100.0], True, StartAgain(1.0)),
        ([97.0, 98.0, 99.0, 100.0], True, StartAgain(4.0)),
        ([95.0, 96.0, 97.0, 98.0, 99.0, 100.0], True, StartAgain(8.0)),
        ([98.0, 99.0, 100.0], False, GiveUp(3)),
        ([99.0, 100.0], False, StartAgain(1.0)),
    ],
)
def test_each_end_makes_the_wait_longer_and_what_never_served_is_given_up(
    ends: list[float], has_answered: bool, decision: StartAgain | GiveUp
) -> None:
    assert after_an_end(ends, 100.0, has_answered=has_answered) == decision


def test_an_end_long_ago_is_forgiven() -> None:
    once_an_hour = [3600.0 * hour for hour in range(100)]
    assert after_an_end(once_an_hour, once_an_hour[-1], has_answered=True) == StartAgain(0.5)
