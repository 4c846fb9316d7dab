"""The detector: maps images to detections."""

from __future__ import annotations

import math
import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Container, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from runtime.boxes import seams
from runtime.boxes.nms import best_of_equal_boxes, suppress
from runtime.boxes.tiles import Tiles, Window
from runtime.common.values import Box, Detection, Labels
from runtime.inference import decoders, file_facts, preprocessing
from runtime.inference.engines import Request
from runtime.inference.interpreter import Interpreter, Runner
from runtime.model import class_count, output_order, trained_tiles
from runtime.model.labels import find as find_labels
from runtime.model.labels import mismatch as label_mismatch
from runtime.model.metadata import Metadata
from runtime.model.ports import real
from runtime.model.tflite import Model

if TYPE_CHECKING:
    from runtime.notebook.annotated_image import AnnotatedImage

Size = Union[int, Tuple[int, int]]


class Detector:
    """A detector from any detection .tflite that has the usual four outputs, or outputs that `decoders` knows.

        detector = Detector("detector_int8.tflite", score=0.4)
        for detection in detector(cv2.imread("street.jpg")):
            print(detection.label, detection.score, detection.box)

    A call runs `inputs`, `invoke` for each of them, and `combined`, in this order; a loop may overlap them. A detector runs one
    image at a time, or as many as its file takes with `detect_all`. Several threads may call one detector; they take
    turns in the model, so a detector for each thread is faster where there are cores for it.
    """

    def __init__(
        self,
        path: Union[str, os.PathLike[str]],
        *,
        labels: Union[Labels, str, os.PathLike[str], None] = None,
        threads: int = 2,
        score: Optional[float] = None,
        scores: Mapping[str, float] = MappingProxyType({}),
        engine: str = "auto",
        device: str = "",
        fallback: bool = False,
        runner: Optional[Runner] = None,
        all_labels: bool = False,
        agnostic: Optional[float] = None,
        tiles: Union[Tiles, str, None] = None,
    ) -> None:
        """Loads the model at `path`.

        Args:
            path: The .tflite.
            labels: Class names or the path of a label file. By default those in the model, else those of a label file
                beside it.
            threads: Threads of the interpreter.
            score: Threshold in 0..1; detections with a lower score are left out. By default the threshold in the
                model's metadata, else 0.5.
            scores: Thresholds of single classes, by name.
            engine: As in `runtime.inference.engines.Request`.
            device: As in `runtime.inference.engines.Request`.
            fallback: As in `runtime.inference.engines.Request`.
            runner: Runs the model, which it has loaded already; the four arguments for loading are then not used.
            all_labels: A model may find one place as several classes, each with the very same box, or in two tiles with
                about the same. By default only the class with the highest score is given; with this, all are.
            agnostic: Of two boxes that overlap by more than this IoU (0..1), whatever their classes, only the one
                with the higher score is given. By default boxes of two classes may overlap.
            tiles: Cuts each image into tiles that overlap, such as "2x1" (columns x rows), looks at each and at the
                whole image, and merges what is found; for small objects in large images. By default images are not cut.

        Raises:
            InputError: The file is no detector, or cannot be read, or these are no tiles.
            KitError: No engine works.
        """
        path = os.fspath(path)
        self.tiles: Optional[Tiles] = None if tiles is None else Tiles.of(tiles)
        model = Model.read(path)
        metadata = Metadata.of(model)
        decoding = decoders.find(model, metadata)
        if decoding is None:
            output_order.check_count(model)
        file_facts.check_operators(model)
        request = Request(engine, device, threads, fallback)
        self._interpreter: Runner = runner or Interpreter(path, request)
        # The engine may have fallen back on another file, which then counts.
        self.path: str = self._interpreter.path
        if self.path != path:
            model = Model.read(self.path)
            metadata = Metadata.of(model)
            decoding = decoders.find(model, metadata)
        # The tiles that its network was trained on, as the file says; None where it says nothing of tiles.
        self.trained_tiles: Optional[Tiles] = trained_tiles.find(model)
        found = find_labels(model, metadata, labels)
        self.labels: Labels = found.labels
        self.labels_from: str = found.where
        # What is wrong with the labels; empty where nothing is known to be.
        self.labels_warning: str = label_mismatch(
            found, (decoding.classes or None) if decoding else class_count.find(model, metadata)
        )
        self.score: float = score if score is not None else file_facts.threshold(metadata)
        self.scores: Dict[str, float] = {self.labels.checked(name, "--score"): scores[name] for name in scores}
        self._all_labels, self._agnostic = all_labels, agnostic
        self._mean, self._std = file_facts.normalization(model, metadata, decoding)
        self.engine: str = self._interpreter.engine
        self.package: str = self._interpreter.package
        self._input = file_facts.image_input(model.where, self._interpreter.inputs, batches=decoding is not None)
        self._channels_first = self._input.shape[3] != file_facts.CHANNELS
        self._letterbox = decoding is not None and decoding.letterbox
        self._decode = decoding.decode if decoding else None
        self._order: Optional[output_order.Order] = None
        self._box_index = list(file_facts.BOX_INDEX)
        if decoding is None:
            shapes = [port.shape for port in self._interpreter.outputs]
            self._order = output_order.find(model, metadata, shapes)
            if self._order is None:
                self._check_by_running(model)
            self._box_index = file_facts.box_index(model, metadata, self._order)

    @property
    def runner(self) -> Runner:
        """The object that runs the model."""
        return self._interpreter

    @property
    def size(self) -> Size:
        """The size of the input: its side in pixels, or (height, width) where they differ."""
        height, width = self._sides
        return height if height == width else (height, width)

    @property
    def _sides(self) -> Tuple[int, int]:
        """Height and width of the input."""
        shape = self._input.shape[2:] if self._channels_first else self._input.shape[1:3]
        return shape[0], shape[1]

    @property
    def batch(self) -> int:
        """How many images the model takes at once; more than 1 only where it ends before its post-processing."""
        return self._input.shape[0]

    def __call__(self, image: np.ndarray, color: str = "BGR") -> Tuple[Detection, ...]:
        """Detects objects in `image`, uint8 [height, width, 3] of any size with channels in the order `color`.

        Boxes are in pixels of `image` and lie within it. Detections are sorted by descending score. Raises ValueError
        or TypeError where `image` is no such array, None and paths among them.
        """
        raws = [self.invoke(tensor) for tensor in self.inputs(image, color)]
        height, width = image.shape[:2]
        return self.combined(raws, width, height)[0]

    def detect(self, image: Union[np.ndarray, str, os.PathLike[str]], color: str = "BGR") -> AnnotatedImage:
        """Detects objects in `image`, an array as for a call or the path of an image file.

        The result holds the image and its detections, and shows both in a notebook. Raises InputError where the file
        is not an image, and as a call does.
        """
        from runtime.media import images
        from runtime.notebook.annotated_image import AnnotatedImage

        pixels, order = (image, color) if isinstance(image, np.ndarray) else (images.read(image), "BGR")
        return AnnotatedImage(pixels, self(pixels, order), order)

    def detect_all(self, images: Sequence[np.ndarray], color: str = "BGR") -> List[Tuple[Detection, ...]]:
        """The detections in each of `images`, as many at once as the model takes; else as a call for each."""
        if self.tiles is not None:
            return [self(image, color) for image in images]
        found: List[Tuple[Detection, ...]] = []
        for start in range(0, len(images), self.batch):
            some = images[start : start + self.batch]
            raw = self.invoke(self._filled([self._encoded(image, color) for image in some]))
            for place, image in enumerate(some):
                own = [array[place : place + 1] for array in raw] if self.batch > 1 else raw
                found.append(self.postprocess(own, image.shape[1], image.shape[0]))
        return found

    def preprocess(self, image: np.ndarray, color: str = "BGR") -> np.ndarray:
        """The input tensor for `image`, with nothing in other places of a batch; arguments as for a call.

        It is [batch, height, width, 3], or [batch, 3, height, width] where the model takes that.

        Raises ValueError or TypeError where `image` is not uint8 [height, width, 3].
        """
        return self._filled([self._encoded(image, color)])

    def inputs(self, image: np.ndarray, color: str = "BGR") -> List[np.ndarray]:
        """The input tensors for `image`, arguments as for a call: one, or with tiles as many as hold all of them.

        Raises ValueError or TypeError where `image` is not uint8 [height, width, 3].
        """
        if self.tiles is None:
            return [self.preprocess(image, color)]
        preprocessing.check_image(image)
        windows = self.tiles.windows(image.shape[1], image.shape[0])
        encoded = [self._encoded(window.of(image), color) for window in windows]
        return [self._filled(encoded[start : start + self.batch]) for start in range(0, len(encoded), self.batch)]

    def combined(
        self,
        raws: Sequence[Sequence[np.ndarray]],
        width: int,
        height: int,
        floor: Optional[float] = None,
        score: Optional[float] = None,
    ) -> Tuple[Tuple[Detection, ...], Tuple[Detection, ...]]:
        """The detections in an image of `width` x `height` pixels, and the candidates down to `floor`.

        `raws` are the outputs of the model for each of `inputs`, in this order. The result is that of `candidates`; of tiles it is
        merged (see `runtime.boxes.seams.merge`), and of several classes in one place the best is given, unless all labels are.
        """
        if self.tiles is None:
            return self.candidates(raws[0], width, height, floor, score)
        score = self.score if score is None else score
        lowest = min(score, *self.scores.values(), seams.MERGED_SCORE, *(() if floor is None else (floor,)))
        windows = self.tiles.windows(width, height)
        found = [
            [item for items in self.candidates(own, window.width, window.height, lowest, score) for item in items]
            for window, own in zip(windows, self._by_window(raws, len(windows)))
        ]
        wanted = min(score, *self.scores.values(), *(() if floor is None else (floor,)), 1.0)
        objects = seams.merge_all(found, windows, width, height, wanted)
        detections = [item for item in objects if item.score >= self.scores.get(item.label, score)]
        others = [item for item in objects if item.score < self.scores.get(item.label, score)]
        candidates = [item for item in others if floor is not None and item.score >= floor]
        # What counts comes first, so that what doesn't suppresses none of it.
        given = (*detections, *candidates)
        if not self._all_labels:
            given = seams.best_classes(given)
        if self._agnostic is not None:
            given = tuple(given[place] for place in suppress(_array(item.box.as_tuple() for item in given), self._agnostic))
        counts = [item.score >= self.scores.get(item.label, score) for item in given]
        return (
            tuple(item for item, counted in zip(given, counts) if counted),
            tuple(item for item, counted in zip(given, counts) if not counted),
        )

    def _encoded(self, image: np.ndarray, color: str) -> np.ndarray:
        """The values [height, width, 3] that stand for `image`; [3, height, width] where the input is so."""
        resize = preprocessing.letterbox if self._letterbox else preprocessing.resize
        values = preprocessing.encode(resize(image, self.size, color), self._input.dtype, self._mean, self._std)
        return np.ascontiguousarray(values.transpose(2, 0, 1)) if self._channels_first else values

    def _filled(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """The input tensor with `images` in the first of its places, and zeros in others."""
        if self.batch == 1:
            return images[0][np.newaxis]
        tensor = np.zeros(self._input.shape, self._input.dtype)
        tensor[: len(images)] = images
        return tensor

    def invoke(self, tensor: np.ndarray) -> List[np.ndarray]:
        """Runs the model on an input tensor; returns its raw outputs, in the order of the model, for `postprocess`."""
        return self._interpreter.invoke(tensor)

    def postprocess(self, raw: Sequence[np.ndarray], width: int, height: int) -> Tuple[Detection, ...]:
        """The detections in an image of `width` x `height` pixels, from the raw outputs of `invoke`.

        Where these are of several images, they are those in the first.
        """
        return self.candidates(raw, width, height, None)[0]

    def candidates(
        self,
        raw: Sequence[np.ndarray],
        width: int,
        height: int,
        floor: Optional[float],
        score: Optional[float] = None,
    ) -> Tuple[Tuple[Detection, ...], Tuple[Detection, ...]]:
        """As `postprocess`, and what is below the threshold but has a score of at least `floor`; nothing for None.

        Both are sorted by descending score. What is given without `floor` is given with it, and the other way round. `score`
        is the threshold for this image, None for that of the detector.
        """
        score = self.score if score is None else score
        lowest = min(score, *self.scores.values()) if self.scores else score
        if floor is not None:
            lowest = min(lowest, floor)
        boxes, classes, scores = self._decoded(raw, lowest)
        # Comparisons with NaN are false, so this also drops scores that are not numbers. Few are left, of most images none;
        # for so few, lists are quicker than arrays.
        counts = scores >= self._least(classes, score)
        keep = np.flatnonzero(counts if floor is None else counts | (scores >= floor))
        if not keep.size:
            return (), ()
        boxes = boxes[keep][:, self._box_index]
        rows = zip(scores[keep].tolist(), classes[keep].tolist(), boxes.tolist(), counts[keep].tolist())
        found = [row for row in rows if row[1] >= 0 and all(map(math.isfinite, row[2]))]
        found.sort(key=_rank, reverse=True)
        if not self._all_labels:
            found = [found[place] for place in best_of_equal_boxes([row[2] for row in found])]
        if self._agnostic is not None:
            found = [found[place] for place in suppress(_array(row[2] for row in found), self._agnostic)]
        if self._letterbox and found:
            inside = self._in_image(_array(row[2] for row in found), width, height).tolist()
            found = [(score, number, box, counts) for (score, number, _, counts), box in zip(found, inside)]
        made = [
            (Detection(self.labels[class_id], class_id, score, _in_pixels(box, width, height)), counts)
            for score, class_id, box, counts in ((row[0], round(row[1]), row[2], row[3]) for row in found)
        ]
        return tuple(item for item, counts in made if counts), tuple(item for item, counts in made if not counts)

    def all_of(
        self, raws: Sequence[Sequence[np.ndarray]], width: int, height: int, names: Container[str], floor: float
    ) -> Tuple[Detection, ...]:
        """Everything in an image of `width` x `height` pixels that may be an object of the classes `names`.

        `raws` are as for `combined`. What has a score of at least `floor` is given, also where another class has the same
        box, one with a higher score overlaps it, or two tiles have it: for hiding what must not be seen.
        """
        windows = self.tiles.windows(width, height) if self.tiles is not None else (Window(0, 0, width, height),)
        found: List[Detection] = []
        for window, own in zip(windows, self._by_window(raws, len(windows))):
            boxes, classes, scores = self._decoded(own, floor)
            keep = np.flatnonzero((scores >= floor) & (classes >= 0) & np.isfinite(boxes).all(1))
            boxes = boxes[keep][:, self._box_index]
            if self._letterbox and keep.size:
                boxes = self._in_image(boxes, window.width, window.height)
            for box, number, score in zip(boxes.tolist(), classes[keep].tolist(), scores[keep].tolist()):
                label = self.labels[round(number)]
                if label in names:
                    inside = _in_pixels(box, window.width, window.height)
                    found.append(Detection(label, round(number), score, inside.moved(window.left, window.top)))
        return tuple(found)

    def _by_window(self, raws: Sequence[Sequence[np.ndarray]], count: int) -> Iterator[List[np.ndarray]]:
        """The outputs for each of `count` windows, which were put into as few inputs as hold them."""
        for place in range(count):
            number, row = divmod(place, self.batch)
            yield [array[row : row + 1] for array in raws[number]] if self.batch > 1 else list(raws[number])

    def _decoded(self, raw: Sequence[np.ndarray], lowest: float) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Boxes [M, 4] in the order of the model, classes [M] and scores [M] of the first image in `raw`."""
        if self.batch > 1:
            raw = [array[:1] for array in raw]
        return self._decode(raw, lowest) if self._decode else self._read(raw)

    def _in_image(self, boxes: np.ndarray, width: int, height: int) -> np.ndarray:
        """Boxes [M, 4] relative to the image of boxes relative to the input, in which the image has its own shape."""
        input_height, input_width = self._sides
        left, top, *inner = preprocessing.letterbox_area(width, height, input_width, input_height)
        inside: np.ndarray = (boxes * ([input_width, input_height] * 2) - [left, top] * 2) / (inner * 2)
        return inside

    def _least(self, classes: np.ndarray, score: float) -> Union[float, np.ndarray]:
        """The threshold for each of `classes`, `score` for those without one of their own; a number where none has one."""
        if not self.scores:
            return score
        ids = np.nan_to_num(classes).round().astype(int).tolist()
        return np.array([self.scores.get(self.labels[class_id], score) for class_id in ids])

    def _read(self, raw: Sequence[np.ndarray]) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Boxes [M, 4], classes [M] and scores [M] from the four outputs."""
        raw = real(raw, self._interpreter.outputs)
        order = self._order
        if order is None:
            # Where the values fit both orders, the next image may tell.
            order = self._order = output_order.from_values(raw)
            if order is None:
                return np.empty((0, 4)), np.empty(0), np.empty(0)
        boxes = raw[order.boxes].reshape(-1, 4)
        classes, scores = raw[order.classes].reshape(-1), raw[order.scores].reshape(-1)
        count = float(raw[order.count].reshape(-1)[0])
        # False also for NaN, which stands for none.
        used = slice(0, int(min(count, len(scores)) + 0.5) if count > 0 else 0)
        return boxes[used], classes[used], scores[used]

    def _check_by_running(self, model: Model) -> None:
        """Runs the model once to get the shapes of its outputs. Raises InputError where they are not a detector's."""
        raw = real(self.invoke(np.zeros(self._input.shape, self._input.dtype)), self._interpreter.outputs)
        shapes = [array.shape for array in raw]
        self._order = output_order.find(model, Metadata.of(model), shapes) or output_order.from_values(raw)


def _rank(found: Tuple[float, float, List[float], bool]) -> Tuple[bool, float]:
    # What counts comes first, so that what doesn't suppresses none of it.
    score, _, _, counts = found
    return counts, score


def _array(boxes: Iterable[Sequence[float]]) -> np.ndarray:
    return np.array(list(boxes), np.float32).reshape(-1, 4)


def _in_pixels(box: Sequence[float], width: int, height: int) -> Box:
    """The box, shares of the image as left, top, right and bottom, in pixels and within the image."""
    left, top, right, bottom = (min(max(side, 0.0), 1.0) for side in box)
    xmin, ymin = left * width, top * height
    return Box(xmin, ymin, max(right * width, xmin), max(bottom * height, ymin))
