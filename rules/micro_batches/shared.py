"""What many rules ask of the same rows is found out once."""

from collections.abc import Callable
from typing import Any, TypeVar

import polars as pl

Answer = TypeVar("Answer")


class Shared:
    """Answers that were given in one batch. Frames and columns are the same where they are one object; everything else
    is where it is equal."""

    def __init__(self) -> None:
        self._answers: dict[object, tuple[tuple[Any, ...], Any]] = {}

    def once(self, ask: Callable[..., Answer], *of: Any) -> Answer:
        """What `ask` answers, which depends on what is handed to it alone."""
        key = (ask, *[id(one) if isinstance(one, (pl.DataFrame, pl.Series)) else one for one in of])
        if key not in self._answers:
            self._answers[key] = of, ask(*of)  # kept beside the answer, so that no other frame gets the same id
        answer: Answer = self._answers[key][1]
        return answer
