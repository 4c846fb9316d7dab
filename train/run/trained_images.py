"""The images that a run was trained on, recognized by their content, wherever they lie."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from runtime.common.errors import InputError
from train.dataset import grouping
from train.dataset.examples import content
from train.dataset.examples.example import Example
from train.run.run_folder import RunFolder


class TrainedImages:
    """Knows whether an image was trained on: `example in TrainedImages(run)`.

    That is so for a file with the same bytes, and for a version of a Roboflow original of which another version was
    trained on, unless the run has `--group-by none`. `unknown` is the number of training images that are gone and of
    which the run, made by an early version, has no hash. Raises InputError as `RunFolder.dataset` does, and for an
    example whose image cannot be read.
    """

    def __init__(self, run: RunFolder) -> None:
        self.unknown = 0
        self._paths: defaultdict[str, list[Path]] = defaultdict(list)
        self._originals: set[str | None] = set()
        options = run.config().get("options") or {}
        by_name = options.get("group_by") != grouping.NONE
        for image in run.trained_images():
            try:
                self._paths[image.content or content.sampled_hash(image.path)].append(image.path)
            except OSError:
                self.unknown += 1
            if by_name:
                self._originals.add(grouping.original(image.path.name))
        self._originals.discard(None)

    def __contains__(self, example: Example) -> bool:
        if grouping.original(example.image.name) in self._originals:
            return True
        try:
            sampled = content.sampled_hash(example.image)
            return any(_same(path, sampled, example.image) for path in self._paths.get(sampled, ()))
        except OSError as error:
            raise InputError(f"{example.image}: cannot read the image: {error.strerror}") from error


def _same(trained: Path, sampled: str, image: Path) -> bool:
    """Whether `image`, whose sampled hash is that of the image that was trained on at `trained`, is the same."""
    try:
        if content.sampled_hash(trained) == sampled:
            return content.whole_hash(trained) == content.whole_hash(image)
    except OSError:
        pass
    # It is gone or has changed since, and the sample must do.
    return True
