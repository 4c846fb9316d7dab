"""Writing of records with an Apache Beam pipeline, one task per shard. No other file imports Beam.

The data set is opened on this machine, which reads the annotations and checks every image's header. The
workers read the images and write the shards. The contents of each shard are passed to its worker in a file in
the output folder, because the description of a pipeline must be small.
"""

from __future__ import annotations

import functools
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

import numpy as np

from runtime.common.errors import InputError, KitError
from train.dataset.dataset import Dataset
from train.dataset.examples import label_map
from train.files.new_folder import new_folder
from train.records import shards, writing
from train.records.shards import Shard, ShardImage

_WORK = ".work"
_FAILED = "failed"


def check(options: Sequence[str]) -> None:
    """Raises InputError if Beam is not installed, or has no runner of the name in `options`."""
    _filesystems()
    from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
    from apache_beam.runners.runner import create_runner

    runner = PipelineOptions(list(options)).view_as(StandardOptions).runner
    try:
        create_runner(runner)
    except (ValueError, ImportError, AttributeError, TypeError) as error:
        # A runner is one of Beam's own names, or the path of a class.
        names = ", ".join(name for name in StandardOptions.KNOWN_RUNNER_NAMES if not name.startswith("Test"))
        known = "" if runner in StandardOptions.KNOWN_RUNNER_NAMES else f"; there are local, {names}"
        reason = " ".join(str(error).split()).partition(" Valid values")[0].rstrip(".")
        raise InputError(f"--runner {runner}: {reason}{known}") from error


def write(
    dataset: Dataset,
    out: str,
    options: Sequence[str],
    *,
    count: Optional[int] = None,
    path_mapping: Optional[tuple[str, str]] = None,
) -> None:
    """Writes the shards and labels of `dataset`, like `writing.write`, with a pipeline.

    `out` is a path that the workers share, or a URL that Beam can write to; at a URL the labels are written
    last. `options` are Beam's. `path_mapping` is the folder of the images on this machine and its path or
    URL on the workers. `count` is the number of shards per split. Raises InputError if Beam is not
    installed, `out` exists already, or an image was removed or changed; KitError if the pipeline fails.
    """
    filesystems = _filesystems()
    with _target(out, filesystems) as folder:
        work = filesystems.join(folder, _WORK)
        names = []
        for name, shard in writing.all_shards(dataset, count):
            names.append(name)
            _write(filesystems, filesystems.join(work, name), _to_bytes(_for_workers(shard, path_mapping)))
        _run(names, folder, options)
        _raise_failures(filesystems, work)
        filesystems.delete([work])
        _write(filesystems, filesystems.join(folder, "labels.txt"), dataset.labels.text().encode())
        _write(filesystems, filesystems.join(folder, "label_map.pbtxt"), label_map.text(dataset.labels).encode())


def _run(names: list[str], folder: str, options: Sequence[str]) -> None:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    print(f"records: {len(names)} shards to write", file=sys.stderr)
    try:
        with beam.Pipeline(options=PipelineOptions(list(options))) as pipeline:
            tasks = pipeline | "shards" >> beam.Create(names) | beam.Reshuffle()
            tasks | "write" >> beam.Map(functools.partial(_write_shard, folder=folder))
    except Exception as error:
        # Runners raise exceptions of many kinds.
        raise KitError(f"the pipeline failed: {' '.join(str(error).split())[:500]}") from error


def _write_shard(name: str, folder: str) -> None:
    """Writes the shard `name` below `folder`; runs on a worker."""
    filesystems = _filesystems()
    work = filesystems.join(folder, _WORK)
    shard = _from_bytes(_read(filesystems, filesystems.join(work, name)))
    # Written under a temporary name, because a runner may run a task twice, also on two workers at once.
    target = filesystems.join(folder, name)
    temporary = f"{target}.{os.getpid()}-{os.urandom(4).hex()}"
    try:
        with filesystems.create(temporary, "application/octet-stream", _uncompressed()) as file:
            shards.write(file, shard, functools.partial(_read_image, filesystems))
        if filesystems.exists(target):
            filesystems.delete([temporary])
        else:
            filesystems.rename([temporary], [target])
    except InputError as error:
        # If it were raised here, the runner would retry the task and show the traceback of a worker.
        filesystems.delete([temporary])
        _write(filesystems, filesystems.join(work, _FAILED, os.path.basename(name)), str(error).encode())


def _raise_failures(filesystems: Any, work: str) -> None:
    found = filesystems.match([filesystems.join(work, _FAILED, "*")])[0].metadata_list
    if found:
        raise InputError(_read(filesystems, found[0].path).decode())


def _for_workers(shard: Shard, path_mapping: Optional[tuple[str, str]]) -> Shard:
    """Returns `shard` with the paths of its images on the workers."""

    def mapped(path: str) -> str:
        path = os.path.abspath(path)
        if path_mapping is None or not Path(path).is_relative_to(path_mapping[0]):
            return path
        return "/".join((path_mapping[1].rstrip("/"), *Path(path).relative_to(path_mapping[0]).parts))

    return replace(shard, images=[image._replace(path=mapped(image.path)) for image in shard.images])


@contextmanager
def _target(out: str, filesystems: Any) -> Iterator[str]:
    if "://" not in out:
        with new_folder(Path(os.path.abspath(out))) as folder:
            for part in (*writing.SPLIT_FOLDERS, *(f"{_WORK}/{part}" for part in (*writing.SPLIT_FOLDERS, _FAILED))):
                (folder / part).mkdir(parents=True)
            yield str(folder)
        return
    if filesystems.match([filesystems.join(out, "*")])[0].metadata_list:
        raise InputError(f"{out}: is there already; choose another location, or remove it first")
    yield out


def _filesystems() -> Any:
    """Returns Beam's `FileSystems`, which read and write local files and URLs."""
    try:
        from apache_beam.io.filesystems import FileSystems
    except ImportError as error:
        raise InputError("Apache Beam is not installed; pip install 'edge-detection-kit[scale]'") from error
    return FileSystems


def _uncompressed() -> Any:
    from apache_beam.io.filesystem import CompressionTypes

    return CompressionTypes.UNCOMPRESSED


def _read_image(filesystems: Any, path: str) -> bytes:
    return _read(filesystems, path) if "://" in path else shards.read(path)


def _read(filesystems: Any, path: str) -> bytes:
    with filesystems.open(path, "application/octet-stream", _uncompressed()) as file:
        data: bytes = file.read()
    return data


def _write(filesystems: Any, path: str, data: bytes) -> None:
    with filesystems.create(path, "application/octet-stream", _uncompressed()) as file:
        file.write(data)


def _to_bytes(shard: Shard) -> bytes:
    texts = json.dumps([shard.images, shard.labels]).encode()
    buffer = io.BytesIO()
    np.savez(buffer, texts=np.frombuffer(texts, np.uint8), sides=shard.sides, classes=shard.classes, marks=shard.marks)
    return buffer.getvalue()


def _from_bytes(data: bytes) -> Shard:
    arrays = np.load(io.BytesIO(data), allow_pickle=False)
    images, labels = json.loads(arrays["texts"].tobytes())
    return Shard(
        [ShardImage(*image) for image in images], arrays["sides"], arrays["classes"], arrays["marks"], tuple(labels)
    )
