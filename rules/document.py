"""The small parts a rule's document is made of: numbers with limits, paths, predicates, lists that may be one value.

The description of a part finishes the sentence "give …", which is what people read when it is wrong.
"""

import functools
from collections.abc import Mapping
from typing import Annotated, Any, dataclass_transform

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictFloat, StrictInt, StrictStr
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from rules.boolean import ExpressionFault, read_expression
from rules.fields import token_of
from rules.paths import WHAT_A_PATH_IS, PathFault, normal_path
from rules.where.predicate import LONGEST_PREDICATE, PredicateFault, read_predicate

LONGEST_WINDOW = 31 * 86_400
LONGEST_MEMORY = 366 * 86_400


@dataclass_transform(kw_only_default=True, frozen_default=True)
def document(cls: type) -> Any:
    """A frozen dataclass that can be read from a document; keys it does not know are faults."""
    config = ConfigDict(
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
        allow_inf_nan=False,
        ignored_types=(functools.cached_property,),
    )
    return dataclass(frozen=True, kw_only=True, config=config)(cls)


def _path(text: str) -> str:
    try:
        return normal_path(text)
    except PathFault as fault:
        raise PydanticCustomError("path", "{sentence}", {"sentence": str(fault)}) from fault


def _where(text: str) -> str:
    try:
        read_predicate(text)
    except PredicateFault as fault:
        raise PydanticCustomError(
            "predicate", "{sentence}", {"sentence": str(fault), "column": fault.column}
        ) from fault
    return text


def _expression(text: str) -> str:
    try:
        read_expression(text)
    except ExpressionFault as fault:
        raise PydanticCustomError(
            "expression", "{sentence}", {"sentence": str(fault), "column": fault.column}
        ) from fault
    return text


def _listed(value: object) -> object:
    """One value is a list of one; nothing is an empty list."""
    if value is None:
        return ()
    return value if isinstance(value, (list, tuple)) else (value,)


def _tokens(value: object) -> object:
    wanted = _listed(value)
    if any(not isinstance(one, (str, int, float, bool)) for one in wanted):  # type: ignore[attr-defined]
        raise PydanticCustomError("scalar", "A value here is a text, a number, true or false.")
    return tuple(token_of(one) for one in wanted)  # type: ignore[attr-defined]


def _no_repeats(values: tuple[str, ...]) -> tuple[str, ...]:
    if repeated := [value for number, value in enumerate(values) if value in values[:number]]:
        raise PydanticCustomError("repeated", "{sentence}", {"sentence": f'"{repeated[0]}" stands twice.'})
    return values


def _same_operator(value: object) -> object:
    return {"=": "==", "<>": "!="}.get(value, value) if isinstance(value, str) else value


def _plain_values(value: object) -> object:
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {_path(key): one for key, one in value.items()}
    return value


Text = Annotated[StrictStr, Field(min_length=1, max_length=255, description="a text of 1 to 255 characters")]
Seconds = Annotated[
    StrictInt,
    Field(ge=1, le=LONGEST_WINDOW, description=f"a whole number of seconds from 1 to {LONGEST_WINDOW} (31 days)"),
]
SecondsFromZero = Annotated[
    StrictInt,
    Field(ge=0, le=LONGEST_WINDOW, description=f"a whole number of seconds from 0 to {LONGEST_WINDOW} (31 days)"),
]
LongSeconds = Annotated[
    StrictInt,
    Field(ge=1, le=LONGEST_MEMORY, description=f"a whole number of seconds from 1 to {LONGEST_MEMORY} (366 days)"),
]
LongSecondsFromZero = Annotated[
    StrictInt,
    Field(ge=0, le=LONGEST_MEMORY, description=f"a whole number of seconds from 0 to {LONGEST_MEMORY} (366 days)"),
]
Cooldown = Annotated[
    StrictInt, Field(ge=0, le=2_147_483_647, description="a whole number of seconds from 0 to 2147483647")
]
Number = Annotated[StrictFloat, Field(description="a number")]
HowMany = Annotated[StrictInt, Field(ge=0, le=10_000_000, description="a whole number from 0 to 10000000")]
Path = Annotated[StrictStr, AfterValidator(_path), Field(description=WHAT_A_PATH_IS)]
Paths = Annotated[
    Annotated[tuple[Path, ...], Field(max_length=5)],
    AfterValidator(_no_repeats),
    Field(description="a list of at most 5 paths"),
]
_Texts = Annotated[tuple[Text, ...], Field(max_length=1000)]
OneOrMore = Annotated[
    _Texts,
    BeforeValidator(_listed, json_schema_input_type=Text | _Texts | None),
    Field(description="a text of 1 to 255 characters, or a list of such texts"),
]
Operator = Annotated[
    str,
    BeforeValidator(_same_operator),
    Field(pattern="^(>|>=|<|<=|==|!=)$", description="one of >, >=, <, <=, == and !="),
]
Where = Annotated[
    StrictStr,
    Field(max_length=LONGEST_PREDICATE, description="an SQL condition such as payload.status >= 500"),
    AfterValidator(_where),
]
Expression = Annotated[
    StrictStr,
    Field(max_length=2000, description='names of rules with and, or and not, such as "a and not b"'),
    AfterValidator(_expression),
]
Tokens = Annotated[
    tuple[str, ...],
    BeforeValidator(_tokens),
    Field(max_length=100, description="a text, a number, true or false, or a list of such values"),
]
GroupValues = Annotated[
    dict[str, Any],
    BeforeValidator(_plain_values),
    Field(description="a value for each path of group_by, such as {payload.ip: 10.0.0.1}"),
]
