"""Frigate (https://frigate.video): snapshots of its events, and the events as its API gives them.

The JSON is the answer of `/api/events` (a list), or of `/api/events/ID` (one event a file). The snapshot of an event is
`CAMERA-ID-clean.png` (or `.webp`), else `CAMERA-ID.jpg`, as they lie in Frigate's folder `clips`, or any image whose
name ends in the id. `data.box` is (x, y, width, height) in shares of the frame's sides. Each event has one object.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Canvas
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.image_files import File, is_image, quoted, walk
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of
from train.dataset.formats import Score, Splits
from train.dataset.tools import entries, json_files, shapes
from train.dataset.tools.entries import Entry, Item
from train.dataset.tools.json_files import dicts, number, text
from train.files import untrusted_json

_KEYS = frozenset(("camera", "label", "id"))
_EVENT_KEYS = frozenset(("has_snapshot", "has_clip", "top_score", "start_time", "zones"))
_UNUSED = frozenset(("thumbnail",))
# Seconds since 1970 and a random text, such as 1718987129.308396-fqk5ka.
_ID = re.compile(r"\d{9,11}\.\d{1,7}-\w{4,12}")
_CLEAN = "-clean"
# Shares of a box may exceed the frame by rounding.
_MOST = 1.5


def score(folder: Path) -> Score | None:
    """Returns how many images have the id of an event in their names; None without events."""
    files = list(walk(folder))
    found = _sources(files)
    if not found:
        return None
    return Score(len(_snapshots(files)), len(found), reason=f"events of Frigate, {found[0].name}, and their snapshots")


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the events below `folder` and their snapshots.

    Raises InputError if there are no events, no snapshot is of one of them, or too many are bad.
    """
    files = list(walk(folder))
    found = _sources(files)
    if not found:
        raise InputError(f"{folder}: no JSON with events of Frigate in it; give the folder with it and the snapshots")
    problems = Problems()
    snapshots = _snapshots(files)
    made = list(_entries(found, snapshots, problems))
    if not any(isinstance(entry, Entry) for entry in made):
        raise InputError(
            f"{folder}: no snapshot of the events in {found[0].name}: put CAMERA-ID.jpg or CAMERA-ID-clean.png of Frigate's"
            " folder clips beside it"
        )
    train, validation, lines, test = entries.read(folder, files, made, _sides, problems)
    return Splits(train, validation, lines, test=test)


def _sources(files: list[File]) -> list[File]:
    return [file for file in files if (keys := json_files.keys(file)) >= _KEYS and len(keys & _EVENT_KEYS) >= 2]


def _snapshots(files: list[File]) -> dict[str, File]:
    """Returns the snapshot of each event by its id, the clean copy if there is one."""
    found: dict[str, list[File]] = defaultdict(list)
    for file in files:
        if is_image(file) and (match := _ID.search(file.name.stem)):
            found[match[0]].append(file)
    return {id: min(images, key=lambda file: (_CLEAN not in file.name.stem, file.name)) for id, images in found.items()}


def _entries(found: list[File], snapshots: dict[str, File], problems: Problems) -> Iterator[Entry | InputError]:
    without_image = without_box = drawn = 0
    seen = set()
    for file in found:
        try:
            data = untrusted_json.read(file.path, str(file.name), without=_UNUSED)
        except InputError as error:
            yield error
            continue
        for event in dicts(data if isinstance(data, list) else [data]):
            id = text(event.get("id"))
            if "camera" not in event or not id or id in seen:
                continue
            seen.add(id)
            details = event.get("data")
            box = details.get("box") if isinstance(details, dict) else None
            if box is None or event.get("false_positive"):
                without_box += 1
            elif id not in snapshots:
                without_image += 1
            else:
                drawn += _CLEAN not in snapshots[id].name.stem
                location = f"{file.name}: event {quoted(id)}"
                items = (Item(location, text(event.get("label")), box),)
                yield Entry(location, file.name, (snapshots[id].name.as_posix(),), items, part=split_of(file.name))
    _note(without_image, without_box, drawn, problems)


def _note(without_image: int, without_box: int, drawn: int, problems: Problems) -> None:
    if without_image:
        problems.add_note(f"{without_image} events left out, because their snapshots are not in the folder")
    if without_box:
        problems.add_note(f"{without_box} events left out: false positives, or without a box, as those of sounds")
    if drawn:
        problems.add_note(
            f"{drawn} snapshots are no clean copies (CAMERA-ID{_CLEAN}.png): Frigate draws boxes and times into the others"
            " unless its configuration says otherwise, and crops them where it says so; look at them before training"
        )
    problems.add_note(
        "an event has the box of one object: other objects on its snapshot would be learned as background; look for them"
    )


def _sides(box: Any, canvas: Canvas) -> shapes.Sides:
    if not isinstance(box, list) or len(box) != 4:
        raise ValueError("has no box of four numbers")
    x, y, width, height = (number(value, name) for value, name in zip(box, ("x", "y", "width", "height")))
    if max(x, y, width, height) > _MOST:
        raise ValueError(f"has the box {quoted(box)}, which is not in shares of the sides")
    return shapes.around(
        shapes.rectangle(x * canvas.width, y * canvas.height, width * canvas.width, height * canvas.height)
    )
