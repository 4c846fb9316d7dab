"""The images of a run, recognized by their content, wherever they lie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from runtime.common.errors import InputError
from train.dataset import grouping
from train.dataset.examples import content
from train.dataset.examples.example import Example
from train.run.run_folder import RunFolder, TrainedImage


class KnownImages:
    """Knows whether an image is one of `images`: `example in KnownImages(images, by_name=True)`.

    That is so for a file with the same bytes, and `by_name` for a version of a Roboflow original of which another version
    is one of them. `unknown` is the number of images that are gone and have no hash. Raises InputError for an example whose
    image cannot be read.
    """

    def __init__(self, images: Iterable[TrainedImage], *, by_name: bool) -> None:
        self.unknown = 0
        self._paths: defaultdict[str, list[Path]] = defaultdict(list)
        self._originals: set[str | None] = set()
        for image in images:
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


class TrainedImages(KnownImages):
    """Knows whether an image was trained on by `run`: `example in TrainedImages(run)`.

    Names count unless the run has `--group-by none`. Hashes are missing in runs of early versions. Raises InputError as
    `RunFolder.dataset` does.
    """

    def __init__(self, run: RunFolder) -> None:
        super().__init__(run.trained_images(), by_name=goes_by_name(run))


def goes_by_name(run: RunFolder) -> bool:
    """Whether versions of one Roboflow original belong together in `run`. Raises InputError as `RunFolder.config` does."""
    return (run.config().get("options") or {}).get("group_by") != grouping.NONE


def _same(trained: Path, sampled: str, image: Path) -> bool:
    """Whether `image`, whose sampled hash is that of the image that was trained on at `trained`, is the same."""
    try:
        if content.sampled_hash(trained) == sampled:
            return content.whole_hash(trained) == content.whole_hash(image)
    except OSError:
        pass
    # It is gone or has changed since, and the sample must do.
    return True
