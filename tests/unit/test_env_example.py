"""`.env.example` shows every setting there is, with the default it really has."""

import re
from pathlib import Path

import pytest
from pydantic import AliasChoices

from eventpulse.settings import PROJECT_ROOT, Settings

#: Settings of Dagster's, not ours, which `eventpulse up` respects.
NOT_OURS = {"DAGSTER_HOME"}
SHOWN = dict(re.findall(r"^# ([A-Z_]+)=(.*)$", (PROJECT_ROOT / ".env.example").read_text(), re.MULTILINE))


def _names() -> dict[str, str]:
    """The name of each setting in the environment, and its field."""
    names = {}
    for field, info in Settings.model_fields.items():
        alias = info.validation_alias
        names[str(alias.choices[0] if isinstance(alias, AliasChoices) else alias)] = field
    return names


def test_every_setting_is_shown() -> None:
    assert set(_names()) - set(SHOWN) == set()


def test_nothing_is_shown_that_is_no_setting() -> None:
    assert set(SHOWN) - set(_names()) - NOT_OURS == set()


@pytest.mark.parametrize(("name", "field"), _names().items())
def test_the_default_that_is_shown_is_the_default(name: str, field: str) -> None:
    default = Settings.model_fields[field].default
    if default is None:
        assert SHOWN[name]  # an example; there is no default
    elif isinstance(default, bool):
        assert SHOWN[name] == str(default).lower()
    elif isinstance(default, Path):
        assert PROJECT_ROOT / SHOWN[name] == default
    else:
        assert SHOWN[name] == str(default)
