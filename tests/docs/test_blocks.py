"""Every block of shell and Python on the pages and in README runs, or says why not."""

from __future__ import annotations

import os
import shutil

import cv2
import pytest

from tests.support import doc_blocks
from tests.support.doc_blocks import Fault
from tests.support.paths import GOLDEN, ROOT

FILES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = {path.relative_to(ROOT).as_posix(): path for path in FILES}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """What each page finds in its folder: `data`, a video `street.mp4`, `image.jpg`, and two `.tflite` files."""
    from train.sample_data import generation

    folder = tmp_path_factory.mktemp("inputs")
    generation.draw_dataset(folder / "data", images=10, seed=5)
    generation.draw_video(folder / "street.mp4", frames=25)
    cv2.imwrite(str(folder / "image.jpg"), cv2.imread(str(GOLDEN / "wide.ppm")))
    for name in ("detector_int8.tflite", "detector_fp16.tflite"):
        os.symlink(GOLDEN / name, folder / name)
    return folder


@pytest.fixture
def folder(inputs, tmp_path, monkeypatch):
    """A fresh folder with the inputs; what commands keep between runs is kept beside it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shutil.copytree(inputs, tmp_path / "work")
    return tmp_path / "work"


@pytest.mark.parametrize("page", PAGES)
def test_blocks_run_or_say_why_not(page, folder):
    names = {"__name__": "page"}
    for block in doc_blocks.blocks(page, PAGES[page].read_text(encoding="utf-8")):
        doc_blocks.check(block, folder, names)


def run(text, folder):
    names = {"__name__": "page"}
    for block in doc_blocks.blocks("page.md", text):
        doc_blocks.check(block, folder, names)
    return names


def test_a_block_without_a_comment_is_run(folder):
    run("```sh\nedk inspect detector_int8.tflite\npython -m convert.inspect --json detector_int8.tflite\n```", folder)
    run("```sh\necho one > a.txt\nedk export data voc --to pascal_voc 2> said.txt\n```", folder)
    assert (folder / "a.txt").read_text() == "one\n" and (folder / "voc").is_dir() and (folder / "said.txt").exists()
    assert run("```python\na = 1\n```\n\nand\n\n```python\nb = a + 1\n```", folder)["b"] == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```sh\nedk inspect absent.tflite\n```", r"page\.md:2: exit code 2"),
        ("text\n```sh\nfalse\n```", r"page\.md:3: exit code 1"),
        ("```sh\nfalse | cat\n```", "exit code 1"),
        ("```python\na = 1\nraise ValueError(a)\n```", r'(?s)File "page\.md", line 3.*ValueError: 1'),
        ("```python\na = \n```", r"page\.md:2: invalid syntax"),
        ("<!-- not run: no -->\n```python\na = \n```", "invalid syntax"),
        ("<!-- parsed: long -->\n```sh\nedk train data --out run --stpes 3\n```", r"page\.md:3: .*--stpes"),
        ("<!-- not run: long -->\n```sh\nsudo .venv/bin/edk install --divice pi\n```", r"page\.md:3: .*--divice"),
        ("<!-- parsed: long -->\n```sh\nedk train \\\n  --steps many\n```", r"page\.md:3: .*many"),
        ("<!-- parsed: long -->\n```sh\nedk inspect a.tflite | python3 -m runtime b --scroe 2\n```", "--scroe"),
        ("<!-- parsed: long -->\n```sh\nedk trian data\n```", "edk has no verb trian"),
        ("<!-- parsed: long -->\n```sh\npython -m train.shwo\n```", "there is no python -m train.shwo"),
        ("<!-- parsed: long -->\n```sh\nls\n```", r"page\.md:3: this is no command of the kit"),
        ("<!-- parsed: -->\n```sh\nedk inspect a\n```", r"page\.md:1: this comment gives no reason"),
        ("<!-- not-run: a -->\n```sh\nls\n```", r"page\.md:1: write"),
        ("```sh\nls", r"page\.md:1: this block has no end"),
    ],
)  # fmt: skip
def test_a_wrong_block_is_told(text, said, folder):
    with pytest.raises(Fault, match=said):
        run(text, folder)


def test_a_block_with_a_reason_is_not_run(folder):
    run(
        "<!-- parsed: takes an hour -->\n```sh\nedk train absent --out run --steps 3  # comment\n\n# another\n```",
        folder,
    )
    run(
        "<!-- not run: needs\na board -->\n\n```sh\nssh pi@raspberrypi.local\nedk run FILE --source picamera\n```",
        folder,
    )
    run("<!-- not run, not parsed: an option of a plug-in -->\n```sh\nedk run FILE --engine mine\n```", folder)
    assert not doc_blocks.blocks("page.md", "```\nls\n```\n```text\nls\n```\n```yaml\na: 1\n```")


def test_of_a_console_only_what_is_typed_is_run(folder):
    (block,) = doc_blocks.blocks("page.md", "- item\n\n  ```console\n  $ edk --version\n  edge-detection-kit 9\n  ```")
    assert block.text.split("\n") == ["edk --version", ""]
    doc_blocks.check(block, folder, {})
