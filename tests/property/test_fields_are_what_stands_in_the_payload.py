"""Whatever a payload holds, and however it is spelt, its fields are the values that a plain JSON reader finds there."""

import json
from typing import Any

import polars as pl
from hypothesis import given, settings, strategies as st

from rules.fields import as_integer, as_number, as_text, with_fields

KEYS = st.sampled_from(["a", "b", "odd key", "é", "a.b", 'q"'])
WHOLE = st.integers(-(2**63), 2**63 - 1)
SCALARS = (
    st.none() | st.booleans() | WHOLE | st.floats(allow_nan=False, allow_infinity=False, width=32) | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.dictionaries(KEYS, inner, max_size=3) | st.lists(inner, max_size=3), max_leaves=8
)
PAYLOADS = st.lists(st.dictionaries(KEYS, VALUES, max_size=4), min_size=1, max_size=6)
PATHS = {
    "payload.a": ("a",),
    'payload."odd key"': ("odd key",),
    "payload.é.b": ("é", "b"),
    'payload."a.b".a.b': ("a.b", "a", "b"),
}


def standing_at(payload: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        payload = payload.get(key) if isinstance(payload, dict) else None
    return payload


def frame(payloads: list[str]) -> pl.DataFrame:
    return with_fields(pl.DataFrame({"payload": payloads}, schema={"payload": pl.String}), PATHS)


def same(left: Any, right: Any) -> bool:
    """Equal as JSON values: 1 is 1.0, but true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


@settings(max_examples=300, deadline=None)
@given(PAYLOADS, st.booleans(), st.sampled_from([None, 1]))
def test_a_field_holds_the_value_that_stands_there(payloads: list[Any], escaped: bool, indent: int | None) -> None:
    fields = frame([json.dumps(one, ensure_ascii=escaped, indent=indent) for one in payloads])
    for path, keys in PATHS.items():
        tokens = fields[path].to_list()
        wanted = [standing_at(one, keys) for one in payloads]
        assert [token is None for token in tokens] == [value is None for value in wanted]
        assert all(same(json.loads(token), value) for token, value in zip(tokens, wanted, strict=True) if token)
        read = fields.select(text=as_text(path), number=as_number(path), whole=as_integer(path))
        for value, text, number, whole in zip(wanted, *read.to_dict(as_series=False).values(), strict=True):
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            assert text == (value if isinstance(value, str) else None)
            assert number == (value if is_number else None) or (is_number and float(value) == number)
            assert whole == (value if is_number and int(value) == value and abs(value) < 2**63 else None)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_two_spellings_of_a_value_are_one_token(value: Any) -> None:
    spellings = [json.dumps({"a": value}, ensure_ascii=escaped) for escaped in (True, False)]
    spellings.append(json.dumps({"a": value}, indent=2, sort_keys=True))
    assert frame(spellings)["payload.a"].n_unique() == 1


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.text(max_size=20) | st.sampled_from(['{"a":', '{"a":1},{"a":2}', '{"a":"\\ud800"}', "[", '{"a":1}']))
)
def test_no_payload_can_harm_another(texts: list[str]) -> None:
    payloads = [*texts, '{"a":"kept"}']
    tokens = frame(payloads)["payload.a"].to_list()
    assert len(tokens) == len(payloads)
    assert tokens[-1] == '"kept"'
