"""Which methods a path has, for the `Allow` of a 405: each route knows only its own."""

import re

from fastapi import FastAPI
from starlette.routing import compile_path

_METHODS = ("get", "post", "put", "patch", "delete")


def allowed_methods(app: FastAPI, path: str) -> str | None:
    """`GET, POST`, or None for a path that the document of the API does not have."""
    paths = app.openapi()["paths"]
    template = path if path in paths else next((one for one in paths if _pattern(one).match(path)), None)
    if template is None:
        return None
    return ", ".join(method.upper() for method in _METHODS if method in paths[template])


def _pattern(template: str) -> "re.Pattern[str]":
    return compile_path(template)[0]
