"""The words of a predicate, before it is parsed: which ones are allowed, and which of them together are a path.

What SQL would take for a keyword is a plain key inside a path (`payload.from`), and `timestamp` is a column here, not a
type; so every path becomes one quoted identifier before the parser sees it.
"""

import re

from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from rules.paths import EVENT_COLUMNS, JSON_COLUMNS, WHAT_A_PATH_IS, PathFault, join_path, normal_path

LONGEST_PREDICATE = 10_000
MOST_WORDS = 2_000
DEEPEST_NESTING = 40
# A function may name its argument's expression more than once, so the work doubles with each one inside another.
DEEPEST_FUNCTIONS = 6
FUNCTIONS = ("abs", "lower", "upper", "length", "coalesce", "regexp_like", "cidr_contains")

_SIGNS = (
    {TokenType.VAR, TokenType.IDENTIFIER, TokenType.STRING, TokenType.NUMBER, TokenType.COMMA}
    | {TokenType.L_PAREN, TokenType.R_PAREN, TokenType.PLUS, TokenType.DASH, TokenType.STAR, TokenType.SLASH}
    | {TokenType.EQ, TokenType.NEQ, TokenType.LT, TokenType.LTE, TokenType.GT, TokenType.GTE}
)
_KEYWORDS = {
    TokenType.AND,
    TokenType.OR,
    TokenType.NOT,
    TokenType.IN,
    TokenType.BETWEEN,
    TokenType.LIKE,
    TokenType.ILIKE,
} | {TokenType.IS, TokenType.NULL, TokenType.TRUE, TokenType.FALSE}
_INSTEAD = {
    "~": "write regexp_like(x, 'pattern')",
    "~*": "write regexp_like(x, '(?i)pattern')",
    "||": "texts cannot be joined here",
    "::": "a value has the type that it has in JSON, and needs no cast",
    "->": "write a path such as payload.a.b",
    "->>": "write a path such as payload.a.b",
    "%": "there is + - * / and nothing else to calculate with",
    "isnull": "write is null",
    "notnull": "write is not null",
    "select": "a condition stands alone, without select",
    "case": "write the cases with and, or and not",
    ";": "one condition is all there can be",
    "[": "arrays cannot be looked into",
    "`": 'a key in quotes stands in double quotes, as in payload."odd key"',
}
_KEY = re.compile(r"[\w$@]+")
_DIALECT = Postgres()


class PredicateFault(ValueError):
    """A text that is no condition of ours; `column` counts from 1."""

    def __init__(self, message: str, column: int | None = None) -> None:
        super().__init__(message)
        self.column = column


def read_words(sql: str) -> list[Token]:
    """The words of the predicate, each path one word, in its normal form. Raises PredicateFault."""
    if len(sql) > LONGEST_PREDICATE:
        raise PredicateFault(f"A condition is at most {LONGEST_PREDICATE} characters long, this one has {len(sql)}.")
    if not sql.strip():
        raise PredicateFault("The condition is empty; leave it out, or write one such as payload.status >= 500.", 1)
    try:
        sql.encode()
        tokens = _DIALECT.tokenize(sql)
    except UnicodeEncodeError as fault:
        raise PredicateFault("The condition holds half a character, which is no text.", fault.start + 1) from fault
    except SqlglotError as fault:
        raise PredicateFault("The condition opens a quote or a comment that it never closes.") from fault
    if len(tokens) > MOST_WORDS:
        raise PredicateFault(f"A condition has at most {MOST_WORDS} words and signs, this one has {len(tokens)}.")
    words = list(_with_paths(sql, tokens))
    _refuse_deep_nesting(words)
    return words


def _with_paths(sql: str, tokens: list[Token]) -> list[Token]:
    words: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        follows = tokens[at + 1].token_type if at + 1 < len(tokens) else None
        name = token.text.lower() if token.token_type != TokenType.IDENTIFIER else token.text
        if token.token_type == TokenType.VAR and follows == TokenType.L_PAREN:
            if name not in FUNCTIONS:
                raise PredicateFault(f"There is no function {name}; there are {', '.join(FUNCTIONS)}.", token.start + 1)
        elif follows == TokenType.DOT and name in JSON_COLUMNS:
            word, at = _path(sql, tokens, at, name)
            words.append(word)
            continue
        elif token.token_type in (TokenType.VAR, TokenType.IDENTIFIER) or name in EVENT_COLUMNS:
            token = _column(sql, token, name)
        elif token.token_type not in _SIGNS | _KEYWORDS:
            instead = _INSTEAD.get(name, "there are and or not, = <> < <= > >=, in, between, like, is null, + - * /")
            raise PredicateFault(f'"{token.text}" cannot stand in a condition; {instead}.', token.start + 1)
        words.append(token)
        at += 1
    return words


def _path(sql: str, tokens: list[Token], at: int, root: str) -> tuple[Token, int]:
    """The path that starts at this token, as one word, and where the next word starts."""
    first, segments, end = tokens[at], [root], tokens[at].end
    at += 1
    while at + 1 < len(tokens) and tokens[at].token_type == TokenType.DOT:
        key = tokens[at + 1]
        if key.token_type == TokenType.IDENTIFIER:
            segments.append(key.text)
            end = key.end
        else:
            bare = _KEY.match(sql, key.start)
            if bare is None:
                break
            segments.append(bare[0])
            end = bare.end() - 1
        at += 2
        while at < len(tokens) and tokens[at].end <= end:  # `2fa` and `$id` are two words to SQL
            at += 1
    try:
        path = normal_path(join_path(tuple(segments)))
    except PathFault as fault:
        raise PredicateFault(str(fault), first.start + 1) from fault
    return Token(TokenType.IDENTIFIER, path, first.line, first.col, first.start, end), at


def _column(sql: str, token: Token, name: str) -> Token:
    if name in EVENT_COLUMNS:
        return Token(TokenType.IDENTIFIER, name, token.line, token.col, token.start, token.end)
    if name in JSON_COLUMNS:
        raise PredicateFault(f'"{name}" needs a key behind it, such as {name}.user.', token.start + 1)
    before = re.search(r"((?:payload|metadata)\.[\w.]+)-$", sql[: token.start])
    if before:
        whole = before[1].rpartition(".")
        hint = f'Did you mean {whole[0]}."{whole[2]}-{name}"?'
    elif token.token_type == TokenType.IDENTIFIER:
        hint = f"If it is a text, write it in single quotes: '{name}'."
    else:
        hint = f"Did you mean payload.{name}, or the text '{name}'?"
    raise PredicateFault(f'There is no "{name}" in an event; there is {WHAT_A_PATH_IS}. {hint}', token.start + 1)


def _refuse_deep_nesting(words: list[Token]) -> None:
    opened: list[bool] = []  # for each bracket that is open: whether it belongs to a function
    signs, before = 0, TokenType.COMMA
    for word in words:
        if word.token_type == TokenType.L_PAREN:
            opened.append(before == TokenType.VAR)
        elif word.token_type == TokenType.R_PAREN and opened:
            opened.pop()
        before = word.token_type
        if sum(opened) > DEEPEST_FUNCTIONS:
            raise PredicateFault(f"Functions stand at most {DEEPEST_FUNCTIONS} deep in each other.", word.start + 1)
        signs = signs + 1 if word.token_type in (TokenType.NOT, TokenType.DASH, TokenType.PLUS) else 0
        if len(opened) > DEEPEST_NESTING or signs > DEEPEST_NESTING:
            raise PredicateFault(f"A condition nests at most {DEEPEST_NESTING} deep.", word.start + 1)
