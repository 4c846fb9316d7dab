"""Builds the site: pages are laid out in a folder of their own, and Zensical makes the site of them.

Zensical is by the authors of Material for MkDocs, which ends in May 2027, and reads the same `mkdocs.yml`. It takes
pages from a folder and runs no hooks, so that pages made from the code are written there first.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from docs.generator import command_pages, networks, offline, python_api, runtime_yaml, sources
from docs.generator.commands import ROOT
from docs.generator.navigation import navigation
from runtime.common.errors import InputError, KitError

_STRICT = "--strict flag is set"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
CONFIGURATION = sources.DOCS / "mkdocs.yml"


def all_pages(address: str = "") -> dict[str, str]:
    """Every page of the site by its path below docs/; see `sources.pages` for `address`.

    Raises InputError where a page that is made from the code was also written by hand.
    """
    written = sources.pages(address)
    made: dict[str, str] = {}
    for maker in (command_pages, runtime_yaml, networks, python_api):
        made.update(maker.pages())
    for path in made:
        if path in written:
            raise InputError(f"docs/{path}: this page is made from the code; delete the file")
    return {**written, **made}


def build(site: Path, work: Path) -> None:
    """Builds the site in `site`, which is replaced as a whole, by way of the folder `work`.

    Raises KitError where Zensical finds a fault, such as a link that leads nowhere; `site` is as before then.
    """
    shutil.rmtree(work, ignore_errors=True)
    _lay_out(work)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "--config-file", "mkdocs.yml"]
    environment = {**os.environ, "NO_COLOR": "1", "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=work, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise KitError(f"the site was not built:\n{_faults(done.stdout)}")
    offline.localize(work / "site")
    shutil.rmtree(site, ignore_errors=True)
    shutil.move(work / "site", site)


def _faults(said: str) -> str:
    """What Zensical said, without the traceback that it ends with where it is only strict."""
    text = _COLOURS.sub("", said)
    return text.partition("\nTraceback (most recent call last)")[0] if text.rstrip().endswith(_STRICT) else text


def _lay_out(work: Path) -> None:
    settings = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    pages = all_pages(settings.get("repo_url", ""))
    for name, text in pages.items():
        path = work / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name, asset in sources.assets().items():
        path = work / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(asset, path)
    for plugin in settings["plugins"]:
        if isinstance(plugin, dict) and "mkdocstrings" in plugin:
            plugin["mkdocstrings"]["handlers"]["python"]["paths"] = [str(ROOT)]
    settings["nav"] = navigation(pages)
    (work / "mkdocs.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
