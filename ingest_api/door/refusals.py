"""Why the door stays shut, in words."""

from ingest_api.door.rate_limits import TooMuch

_REALM = 'Bearer realm="EventPulse"'


class NotLetIn(Exception):
    """A request is not let in; the text says why."""

    def __init__(self, status: int, sentence: str, **headers: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def no_key() -> NotLetIn:
    return NotLetIn(401, "This needs an API key: Authorization: Bearer <key>", www_authenticate=_REALM)


def key_unknown() -> NotLetIn:
    return NotLetIn(
        401,
        "This API key is none, or holds no longer",
        www_authenticate=f'{_REALM}, error="invalid_token"',
    )


def opens_too_little(needed: str) -> NotLetIn:
    return NotLetIn(
        403,
        f"This API key does not have the scope {needed}",
        www_authenticate=f'{_REALM}, error="insufficient_scope", scope="{needed}"',
    )


def cannot_be_checked() -> NotLetIn:
    return NotLetIn(
        503, "API keys cannot be checked now: PostgreSQL does not answer; try again later.", retry_after="1"
    )


def not_our_name() -> NotLetIn:
    return NotLetIn(
        403,
        "This server does not go by the name in the Host header; EVENTPULSE_TRUSTED_HOSTS lists names it may go by",
    )


def through_a_proxy() -> NotLetIn:
    return NotLetIn(
        403,
        "This request came through a proxy, but no API keys are asked for here; "
        "set EVENTPULSE_TRUSTED_HOSTS to the name the proxy offers",
    )


def from_elsewhere() -> NotLetIn:
    return NotLetIn(403, "This comes from a page of another origin")


def too_much(refusal: TooMuch) -> NotLetIn:
    return NotLetIn(429, refusal.sentence, retry_after=str(refusal.retry_after))
