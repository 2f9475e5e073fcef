"""What is wrong with a rule, as sentences: one issue for each fault, with the place where it stands."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class RuleIssue:
    """One fault of a rule: where it stands, what was found and what would do."""

    path: tuple[str | int, ...]
    message: str
    code: str
    column: int | None = None

    @property
    def place(self) -> str:
        """`condition.filters.where, column 14`, or an empty text for the rule as a whole."""
        dotted = ".".join(str(part) for part in self.path)
        return f"{dotted}, column {self.column}" if self.column is not None else dotted

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.path else self.message


class RuleFaults(ValueError):
    """A rule that cannot be read, with every fault that was found in it."""

    def __init__(self, issues: Iterable[RuleIssue]) -> None:
        self.issues = tuple(issues)
        super().__init__("\n".join(str(issue) for issue in self.issues))
