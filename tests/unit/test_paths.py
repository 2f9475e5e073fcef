"""A path names one place in an event, whichever way it is written."""

import pytest

from rules.paths import PathFault, normal_path, split_path


@pytest.mark.parametrize(
    ("written", "normal", "segments"),
    [
        ("source", "source", ("source",)),
        ("payload.a", "payload.a", ("payload", "a")),
        ('payload."a"', "payload.a", ("payload", "a")),
        ("payload.user-agent", "payload.user-agent", ("payload", "user-agent")),
        ('metadata."a b".c', 'metadata."a b".c', ("metadata", "a b", "c")),
        ('payload."a.b"', 'payload."a.b"', ("payload", "a.b")),
        ("payload.é.$id.@x.0", "payload.é.$id.@x.0", ("payload", "é", "$id", "@x", "0")),
    ],
)
def test_every_spelling_has_one_normal_form(written: str, normal: str, segments: tuple[str, ...]) -> None:
    assert normal_path(written) == normal
    assert normal_path(normal) == normal
    assert split_path(written) == segments


@pytest.mark.parametrize(
    "wrong",
    [
        "", ".", "payload", "payload.", "payload..a", ".payload", "ip", "source.a", "payload.a b", 'payload."a',
        'payload.""',
        'payload."a"b', 'payload."a""b"', "payload.a\\b", "payload.\x00", "payload.\ud800", " payload.a", "payload.a ",
        "payload" + ".a" * 10, "payload." + "a" * 255, "Payload.a",
    ],
)  # fmt: skip
def test_what_is_no_path_is_refused_with_a_sentence(wrong: str) -> None:
    with pytest.raises(PathFault, match=r"\.|\?"):
        split_path(wrong)
