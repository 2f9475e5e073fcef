"""Where an installation keeps its data is never taken from a variable that is not ours."""

import pytest

from eventpulse.settings import PROJECT_ROOT, load_settings


def test_the_home_of_the_user_is_not_the_home_of_eventpulse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVENTPULSE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert load_settings().home == PROJECT_ROOT / ".eventpulse"
