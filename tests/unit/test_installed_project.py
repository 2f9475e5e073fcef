"""The project as it is installed: its own packages under their names, and a lock that names public places alone."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from eventpulse.settings import PROJECT_ROOT

ROOTS = ["assets", "eventpulse", "ingest_api", "migrations", "pipelines", "rules", "sensors"]


@pytest.mark.parametrize("name", ROOTS)
def test_a_root_package_is_ours_from_any_folder(name: str, tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", f"import {name}; print({name}.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(found.stdout.strip()) == PROJECT_ROOT / name / "__init__.py"


def test_the_list_of_root_packages_is_the_one_that_is_built() -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ROOTS


def test_the_command_is_installed() -> None:
    command = Path(sys.executable).with_name("eventpulse")
    shown = subprocess.run([command, "--help"], capture_output=True, text=True, check=True)
    assert " up " in shown.stdout


def test_the_lock_names_only_the_public_index() -> None:
    lock = (PROJECT_ROOT / "uv.lock").read_text()
    assert set(re.findall(r"https?://([^/\"]+)", lock)) == {"pypi.org", "files.pythonhosted.org"}
    assert "://" not in (PROJECT_ROOT / "requirements.lock").read_text()


def test_both_locks_hold_the_same_files() -> None:
    lock = tomllib.loads((PROJECT_ROOT / "uv.lock").read_text())
    by_uv = {
        (package["name"], package["version"]): {file["hash"] for file in _files(package)}
        for package in lock["package"]
        if package["name"] != "eventpulse"
    }
    assert _by_pip() == by_uv


def _files(package: dict[str, object]) -> list[dict[str, str]]:
    wheels, source = package.get("wheels", []), package.get("sdist")
    assert isinstance(wheels, list)
    return wheels + ([source] if isinstance(source, dict) else [])


def _by_pip() -> dict[tuple[str, str], set[str]]:
    by_pip: dict[tuple[str, str], set[str]] = {}
    for requirement in (PROJECT_ROOT / "requirements.lock").read_text().replace("\\\n", "").splitlines():
        name, version = re.match(r"([\w.-]+)(?:\[[\w,]+\])?==([^\s;]+)", requirement).groups()  # type: ignore[union-attr]
        by_pip[name, version] = set(re.findall(r"--hash=(sha256:\w+)", requirement))
    return by_pip
