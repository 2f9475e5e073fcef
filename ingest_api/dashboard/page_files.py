"""The files of the web page: our own, and the chart library out of the package that carries it.

All of them travel under one version, which is the hash of them all. So a browser keeps them for ever, loads them anew
when one has changed, and never mixes modules of two releases.
"""

import gzip
import threading
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path

FOLDER = Path(__file__).parent
#: Apache ECharts as Apache released it; a test compares its hash.
CHARTS = Path(str(distribution("instaui-echarts").locate_file("instaui_echarts/static/echarts.esm.min.js")))
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_VERSION_IN_PAGE = b"{version}"


@dataclass(frozen=True)
class PageFile:
    """One file, and what HTTP says of it."""

    content: bytes
    media_type: str
    etag: str

    @cached_property
    def zipped(self) -> bytes:
        """The content as most browsers take it."""
        return gzip.compress(self.content, 9, mtime=0)


@dataclass(frozen=True)
class Release:
    """All files as they were at one moment: those of `static` by their path in it, and the page that names them."""

    version: str
    page: PageFile
    files: dict[str, PageFile]


@dataclass
class PageFiles:
    """The files in memory. One that is edited is read again, so that reloading the page shows the change."""

    folder: Path = FOLDER
    charts: Path = CHARTS
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stamp: object = None
    _release: Release | None = None

    def current(self) -> Release:
        """The files as they are now."""
        sources = self._sources()
        stamp = [(name, path.stat().st_mtime_ns) for name, path in sources.items()]
        with self._lock:
            if self._release is None or stamp != self._stamp:
                self._stamp, self._release = stamp, _read(self.folder / "page.html", sources)
            return self._release

    def _sources(self) -> dict[str, Path]:
        static = self.folder / "static"
        ours = {
            path.relative_to(static).as_posix(): path
            for path in sorted(static.rglob("*"))
            if path.suffix in MEDIA_TYPES
        }
        return {"page.html": self.folder / "page.html", **ours, "echarts.js": self.charts}


def _read(page: Path, sources: dict[str, Path]) -> Release:
    contents = {name: path.read_bytes() for name, path in sources.items()}
    html = contents.pop("page.html")
    whole = sha256(html)
    for name, content in contents.items():
        whole.update(f"\n{name} {len(content)}\n".encode() + content)
    version = whole.hexdigest()[:16]
    return Release(
        version,
        _file(html.replace(_VERSION_IN_PAGE, version.encode()), "text/html"),
        {name: _file(content, MEDIA_TYPES[Path(name).suffix]) for name, content in contents.items()},
    )


def _file(content: bytes, media_type: str) -> PageFile:
    return PageFile(content, media_type, f'"{sha256(content).hexdigest()[:32]}"')
