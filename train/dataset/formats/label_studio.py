"""Label Studio's own JSON: a list of tasks with their annotations, JSON_MIN, or a file per task; and its CSV.

Boxes, polygons and ellipses are in percent of the image as the browser showed it; rotated boxes are turned about their
top left corner (https://labelstud.io/tags/rectanglelabels). Brushes and key points have no box and are left out. Of
several annotations of a task the ground truth is used, else the latest.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Canvas
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.image_files import File, ImageFiles, quoted, walk
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of
from train.dataset.formats import Score, Splits
from train.dataset.tables.text import Lines
from train.dataset.tools import entries, json_files, shapes
from train.dataset.tools.entries import Entry, Item
from train.dataset.tools.json_files import dicts, number, text
from train.files import untrusted_json

_LABELS = ("rectanglelabels", "polygonlabels", "ellipselabels", "labels")
_SKIPPED = ("brushlabels", "keypointlabels", "choices", "brush", "keypoint", "textarea", "taxonomy", "rating", "number")
_TASK = frozenset(("data", "annotations"))
_TASK_KEYS = frozenset(("completed_by", "was_cancelled", "lead_time", "predictions", "drafts", "result", "file_upload"))
_OLD_TASK = frozenset(("data", "completions"))
_COLUMNS = frozenset(("id", "annotator", "annotation_id", "lead_time"))
_MIN_KEYS = frozenset(("original_width", "original_height"))
# What Label Studio puts before the name of an uploaded file.
_UPLOADED = re.compile(r"^[0-9a-f]{6,8}-(?=.)")
_IMAGE_KEYS = ("image", "img", "photo", "picture", "url", "image_url")

Region = tuple[dict[str, Any], str]


def score(folder: Path) -> Optional[Score]:
    """Returns how many images the JSON files of Label Studio name; None if there is no such file."""
    files = list(walk(folder))
    found = _sources(files)
    if not found:
        return None
    names = {name for file in found for name in _names(file)}
    images = ImageFiles(files, str(folder)).count_named(names | {_UPLOADED.sub("", name) for name in names})
    return Score(images, len(found), reason=f"JSON with tasks of Label Studio, {found[0].name}")


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the JSON files below `folder` and their images.

    Raises InputError if there are none, or if too many are bad.
    """
    files = list(walk(folder))
    found = _sources(files)
    if not found:
        raise InputError(f"{folder}: no JSON file of Label Studio in it; give the folder with it and the images")
    problems = Problems()
    train, validation, lines, test = entries.read(folder, files, _entries(found, problems), _sides, problems, as_shown=True)
    return Splits(train, validation, lines, test=test)


def _sources(files: list[File]) -> list[File]:
    return [file for file in files if _is_ours(json_files.keys(file)) or _is_table(file)]


def _is_table(file: File) -> bool:
    """Returns True for Label Studio's CSV, which has the regions of a task as JSON in a cell."""
    return file.suffix == ".csv" and any(set(header) >= _COLUMNS for header in Lines(file).first(1))


def _names(file: File) -> set[str]:
    if file.suffix != ".csv":
        return json_files.image_names(file)
    try:
        return {path.replace("\\", "/").rpartition("/")[2] for row in _rows(file) for path in _written(row)}
    except InputError:
        return set()


def _rows(file: File) -> Iterator[dict[str, Any]]:
    """Yields the lines of a table in the form of JSON_MIN."""
    header: list[str] = []
    for _, cells in Lines(file):
        if header:
            yield {name: _value(cell) for name, cell in zip(header, cells)}
        else:
            header = cells


def _value(cell: str) -> Any:
    if cell.startswith("[{"):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(cell)
    return cell


def _is_ours(keys: frozenset[str]) -> bool:
    if keys >= _OLD_TASK or (keys >= _TASK and _TASK_KEYS & keys):
        return True
    return bool(keys >= _MIN_KEYS and keys & {*_LABELS, "result"})


def _entries(found: list[File], problems: Problems) -> Iterator[Entry | InputError]:
    skipped: Counter[str] = Counter()
    several = unlabelled = 0
    for file in found:
        try:
            data = list(_rows(file)) if file.suffix == ".csv" else untrusted_json.read(file.path, str(file.name))
        except InputError as error:
            yield error
            continue
        tasks = data if isinstance(data, list) else [data]
        for index, task in enumerate(dicts(tasks)):
            location = f"{file.name}: task {task['id']}" if isinstance(task.get("id"), int) else f"{file.name}: [{index}]"
            annotations = _annotations(task)
            several += len(annotations) > 1
            if not annotations:
                unlabelled += 1
                continue
            items, before = [], entries.shapes_in(skipped)
            for place, (region, label) in enumerate(_regions(annotations[0], skipped), 1):
                items.append(Item(f"{location}: region {place}", label, region))
            unboxed = entries.shapes_in(skipped) > before
            yield Entry(location, file.name, _written(task), tuple(items), part=split_of(file.name), skipped=unboxed)
    if several:
        problems.add_note(f"{several} tasks have several annotations: the ground truth is used, else the latest")
    if unlabelled:
        problems.add_note(f"{unlabelled} tasks left out, because nobody has labelled them (predictions are not used)")
    entries.note_skipped(skipped, problems)


def _annotations(task: dict[str, Any]) -> list[list[Any]]:
    """Returns the regions of each annotation of a task, the one to use first."""
    if isinstance(task.get("result"), list):
        # A file that Label Studio writes into cloud storage for each annotation.
        return [task["result"]]
    given = next((task[key] for key in ("annotations", "completions") if key in task), None)
    if given is None:
        # JSON_MIN has the regions of a task below the name of its control, and the task's data beside them.
        found = [value for value in task.values() if _are_regions(value)]
        return [[{"value": region} for value in found for region in value]] if found or "annotator" in task else []
    made = [item for item in dicts(given) if not item.get("was_cancelled") and isinstance(item.get("result"), list)]
    made.sort(key=lambda item: (bool(item.get("ground_truth")), text(item.get("updated_at") or item.get("created_at"))))
    return [item["result"] for item in reversed(made)]


def _are_regions(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) and "original_width" in item for item in value)


def _regions(result: list[Any], skipped: Counter[str]) -> Iterator[Region]:
    """Yields (value, class) of each region; `Rectangle` and `Labels` give two results with one id."""
    labels: dict[str | int, str] = {}
    kinds: dict[str | int, str] = {}
    values: dict[str | int, dict[str, Any]] = {}
    for index, item in enumerate(dicts(result)):
        value = item.get("value")
        if not isinstance(value, dict):
            continue
        key: str | int = text(item.get("id")) or index
        kind = text(item.get("type")) or next((name for name in _SKIPPED if name in value), "")
        label = next((value[name] for name in _LABELS if value.get(name)), None)
        if label is not None:
            labels[key] = text(label[0] if isinstance(label, list) else label)
        # A point has a width, that of its dot.
        is_point = kind.startswith("keypoint")
        if not is_point and (("x" in value and "width" in value) or "points" in value or "radiusX" in value):
            values.setdefault(key, value)
        else:
            # A brush and its label are two results with one id.
            kinds[key] = kind if label is None or key not in kinds else kinds[key]
    for key, kind in kinds.items():
        if key not in values:
            skipped[quoted(kind)] += 1
    for key, value in values.items():
        yield value, labels.get(key, "")


def _written(task: dict[str, Any]) -> tuple[str, ...]:
    """Returns the paths by which a task's image may be found, also without what an upload puts before its name."""
    inner = task.get("task")
    data = task.get("data") or (inner.get("data") if isinstance(inner, dict) else None)
    data = data if isinstance(data, dict) else task
    texts = [text(data.get(key)) for key in _IMAGE_KEYS]
    texts += [value for key, value in data.items() if isinstance(value, str) and key not in _IMAGE_KEYS]
    texts.append(text(task.get("file_upload")))
    found = [path for path in texts if path]
    names = (path.replace("\\", "/").rpartition("/")[2] for path in found)
    return (*found, *(short for name in names if (short := _UPLOADED.sub("", name)) != name))


def _sides(value: dict[str, Any], canvas: Canvas) -> shapes.Sides:
    width, height = canvas.width / 100, canvas.height / 100

    def percent(name: str, side: float) -> float:
        return number(value.get(name), name) * side

    degrees = number(value.get("rotation") or 0, "rotation")
    if "points" in value:
        return shapes.around((x * width, y * height) for x, y in shapes.pairs(value["points"]))
    if "radiusX" in value:
        return shapes.ellipse(
            percent("x", width), percent("y", height), percent("radiusX", width), percent("radiusY", height), degrees
        )
    x, y = percent("x", width), percent("y", height)
    corners = shapes.rectangle(x, y, percent("width", width), percent("height", height))
    # Without a turn the sums stay exact.
    return shapes.rotated(corners, degrees, (x, y)) if degrees else shapes.around(corners)
