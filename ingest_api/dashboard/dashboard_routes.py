"""Hand out the web page and its files. They hold no data and are the same for everybody: the page asks the API."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException
from starlette.responses import RedirectResponse, Response

from ingest_api.dashboard.page_files import PageFile, PageFiles

#: Scripts, styles and data from ourselves and nobody else; nothing inline, nothing evaluated, no frames.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types default",
    )
)
ASK_AGAIN = "no-cache"
FOR_EVER = "public, max-age=31536000, immutable"

router = APIRouter(prefix="/dashboard", include_in_schema=False)
_files = PageFiles()
IfNoneMatch = Annotated[str | None, Header()]
AcceptEncoding = Annotated[str, Header()]


@router.get("")
def show_page(if_none_match: IfNoneMatch = None, accept_encoding: AcceptEncoding = "") -> Response:
    """The page."""
    return _answer(_files.current().page, if_none_match, accept_encoding, ASK_AGAIN)


@router.get("/")
def show_page_without_slash() -> Response:
    """The page has no slash at its end: the addresses in it count from there."""
    return RedirectResponse("../dashboard", HTTPStatus.PERMANENT_REDIRECT)


@router.get("/static/{version}/{name}")
def show_file(
    version: str, name: str, if_none_match: IfNoneMatch = None, accept_encoding: AcceptEncoding = ""
) -> Response:
    """A file of the page. Under another version than the present one it is the same file, not to be kept."""
    release = _files.current()
    file = release.files.get(name)
    if file is None:
        raise HTTPException(404, "Not Found")
    return _answer(file, if_none_match, accept_encoding, FOR_EVER if version == release.version else ASK_AGAIN)


@router.get("/static/{version}/{folder}/{name}")
def show_file_in_folder(
    version: str, folder: str, name: str, if_none_match: IfNoneMatch = None, accept_encoding: AcceptEncoding = ""
) -> Response:
    """A file in a folder."""
    return show_file(version, f"{folder}/{name}", if_none_match, accept_encoding)


def _answer(file: PageFile, if_none_match: str | None, accept_encoding: str, keep: str) -> Response:
    headers = {"etag": file.etag, "cache-control": keep, "vary": "accept-encoding"}
    if file.media_type == "text/html":
        headers["content-security-policy"] = CONTENT_SECURITY_POLICY
    if if_none_match is not None and file.etag in (tag.strip() for tag in if_none_match.split(",")):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    content = file.content
    if "gzip" in accept_encoding:
        content, headers["content-encoding"] = file.zipped, "gzip"
    return Response(content, headers=headers, media_type=file.media_type)
