"""The files of the dashboard: all there, one version for all, no parser of HTML in them, and charts by Apache."""

import gzip
import re
from hashlib import sha256
from pathlib import Path

import pytest

from ingest_api.dashboard.page_files import CHARTS, FOLDER, PageFiles

STATIC = FOLDER / "static"
SCRIPTS = sorted(STATIC.rglob("*.js"))
#: dist/echarts.esm.min.js of the npm package echarts 6.1.0, which the Apache Software Foundation publishes.
ECHARTS_6_1_0 = "28515f26aa57f87eb1e4ed4eb446927eaf329b5f5e02b4bfd4b0264fea40d1da"
PARSES_HTML = (
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|srcdoc|setHTML"
)
EVALUATES = r"\beval\b|new Function|setTimeout\(['\"`]|javascript:"


def test_the_charts_are_drawn_by_the_file_that_apache_released() -> None:
    assert sha256(CHARTS.read_bytes()).hexdigest() == ECHARTS_6_1_0


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.relative_to(STATIC).as_posix())
def test_no_script_of_ours_parses_html_or_evaluates_text(script: Path) -> None:
    code = re.sub(r"^\s*//.*$", "", script.read_text(), flags=re.MULTILINE)
    assert re.findall(f"{PARSES_HTML}|{EVALUATES}", code) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.relative_to(STATIC).as_posix())
def test_a_module_imports_only_what_is_there(script: Path) -> None:
    files = PageFiles().current().files
    for name in re.findall(r"(?:from|import\(?)\s*\"(\.[^\"]+)\"", script.read_text()):
        target = (script.parent / name).resolve().relative_to(STATIC).as_posix()
        assert target in files, name


def test_the_page_names_files_that_are_there_and_holds_no_script_or_style_of_its_own() -> None:
    release = PageFiles().current()
    page = release.page.content.decode()
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert named
    for address in named:
        folder, version, name = re.fullmatch(r"(dashboard/static)/(\w+)/(.+)", address).groups()  # type: ignore[union-attr]
        assert (folder, version) == ("dashboard/static", release.version)
        assert name in release.files
    assert "<style" not in page
    assert re.findall(r"<script[^>]*>[^<]", page) == []
    assert re.findall(r"\son\w+=|\sstyle=", page) == []


def test_editing_any_file_makes_another_version(tmp_path: Path) -> None:
    (tmp_path / "static" / "pages").mkdir(parents=True)
    (tmp_path / "page.html").write_text("<script src={version}></script>")
    (tmp_path / "charts.js").write_text("charts")
    inner = tmp_path / "static" / "pages" / "one.js"
    inner.write_text("1")
    files = PageFiles(tmp_path, tmp_path / "charts.js")

    first = files.current()
    assert files.current() is first
    assert first.page.content == f"<script src={first.version}></script>".encode()

    inner.write_text("23")
    second = files.current()
    assert second.version != first.version
    assert second.files["pages/one.js"].content == b"23"
    assert second.files["echarts.js"].etag == first.files["echarts.js"].etag
    assert gzip.decompress(second.files["pages/one.js"].zipped) == b"23"
