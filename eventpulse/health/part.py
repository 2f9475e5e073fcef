"""One part of the installation and how it is."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, TimeoutError as NotInTime, wait
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")


class State(StrEnum):
    """`down` is what makes the whole unhealthy; `unknown` could not be asked because something else is down."""

    UP = "up"
    WARNING = "warning"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Part:
    """A part, its state, and one sentence for a person; `details` are the same facts for a program."""

    name: str
    state: State
    sentence: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Unanswered:
    """A question that got no answer, and why."""

    reason: str


def ask_all(questions: Mapping[str, Callable[[], T]], *, within_seconds: float) -> dict[str, T | Unanswered]:
    """The answers to questions asked all at once. One that fails, or takes longer, is Unanswered."""
    answers: dict[str, Future[T]] = {}
    for name, question in questions.items():
        answers[name] = Future()
        # Daemon threads: a server that neither answers nor refuses must not keep the command from ending.
        threading.Thread(target=_answer, args=(answers[name], question), daemon=True).start()
    wait(answers.values(), timeout=within_seconds)
    return {name: _result(answer, within_seconds) for name, answer in answers.items()}


def _answer(future: Future[T], question: Callable[[], T]) -> None:
    try:
        future.set_result(question())
    except Exception as fault:
        future.set_exception(fault)


def _result(future: Future[Any], within_seconds: float) -> Any:
    try:
        return future.result(timeout=0)
    except NotInTime:
        return Unanswered(f"no answer within {within_seconds:g} s")
    except Exception as fault:
        lines = str(getattr(fault, "orig", None) or fault).strip().splitlines()
        return Unanswered(lines[0] if lines else type(fault).__name__)
