"""A composite's expression: `not` binds tighter than `and`, `and` tighter than `or`; a fault has a column."""

import pytest

from rules.boolean import And, ExpressionFault, Name, Not, Or, Tree, names_in, read_expression

A, B, C = Name("a"), Name("b"), Name("c")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", A),
        ("not a and b or c", Or((And((Not(A), B)), C))),
        ("a or b and c", Or((A, And((B, C))))),
        ("(a or b) and not (c)", And((Or((A, B)), Not(C)))),
        ("NOT not a", Not(Not(A))),
        ("a and b and c", And((A, B, C))),
        ("\"a\" and 'b'", And((A, B))),
        ('"and" or "a (b)"', Or((Name("and"), Name("a (b)")))),
        ("rate-spike and é.1", And((Name("rate-spike"), Name("é.1")))),
    ],
)
def test_an_expression_is_read_as_it_is_meant(text: str, tree: Tree) -> None:
    assert read_expression(text) == tree


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, "the end"),
        ("a b", 3, "and, or, or the end"),
        ("a and", 6, "the end"),
        ("a and or b", 7, '"or"'),
        ("(a", 3, '")"'),
        ("a)", 2, "and, or, or the end"),
        ('a and "b', 6, "never closed"),
        ("not", 4, "the end"),
        ("(" * 40 + "a" + ")" * 40, 33, "nests at most"),
        ("not " * 40 + "a", 129, "nests at most"),
        (" or ".join("a" * 33), 1, "at most 32"),
    ],
)
def test_a_fault_has_a_column_and_says_what_would_do(text: str, column: int, words: str) -> None:
    with pytest.raises(ExpressionFault) as refused:
        read_expression(text)
    assert words in str(refused.value)
    assert refused.value.column == column


def test_names_are_told_in_order_with_repeats() -> None:
    assert list(names_in(read_expression("b and (a or not b)"))) == ["b", "a", "b"]
