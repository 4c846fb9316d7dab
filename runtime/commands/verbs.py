"""The verbs of `edk`, in the order in which they are listed."""

from __future__ import annotations

from typing import List, NamedTuple, Tuple


class Verb(NamedTuple):
    """A verb: `edk NAME ...` is `python -m MODULE ...`.

    `group` is what a person wants to do, `sentence` says what the verb does, and `extra` is the extra of the package
    that brings what the module needs.
    """

    name: str
    module: str
    group: str
    sentence: str
    extra: str


DATA = "prepare and check data"
TRAINING = "train a detector"
CONVERSION = "convert and measure it"
RUNNING = "run it"
DEVICES = "set up devices and bring models to them"

VERBS: Tuple[Verb, ...] = (
    Verb("check", "train.check", DATA, "Finds damaged images, bad boxes, duplicates and rare classes.", "train"),
    Verb("export", "train.export", DATA, "Converts a data set to another format.", "train"),
    Verb("label", "train.label", DATA, "Proposes boxes with a detector, for people to correct.", "train"),
    Verb("records", "train.records", DATA, "Writes a data set as sharded TFRecords.", "train"),
    Verb("generate", "train.generate", DATA, "Draws a labelled sample data set, a sample video, or both.", "train"),
    Verb("train", "train", TRAINING, "Trains a detector on a folder or zip file of labelled images.", "train"),
    Verb("find-rate", "train.find_rate", TRAINING, "Finds a learning rate for a data set.", "train"),
    Verb("report", "train.report", TRAINING, "Writes the HTML page of a training run again.", "train"),
    Verb("compare", "train.compare", TRAINING, "Shows settings and figures of several runs side by side.", "train"),
    Verb("weights", "train.weights", TRAINING, "Writes a run's weights, or fetches published ones, to start from.", "train"),
    Verb("train-bench", "train.bench", TRAINING, "Measures the speed of training on this machine.", "train"),
    Verb("convert", "convert", CONVERSION, "Converts a run or another checkpoint to .tflite files.", "convert"),
    Verb("evaluate", "convert.evaluate", CONVERSION, "Measures COCO AP of a file, a run or a checkpoint.", "convert"),
    Verb("benchmark", "convert.benchmark", CONVERSION, "Compares size, AP and speed of a run's files.", "convert"),
    Verb(
        "quantization-report",
        "convert.quantization_report",
        CONVERSION,
        "Shows where int8 loses accuracy, layer by layer.",
        "convert",
    ),
    Verb("inspect", "convert.inspect", CONVERSION, "Says what a .tflite file holds and where it works.", "convert"),
    Verb("edgetpu", "convert.edgetpu", CONVERSION, "Compiles an int8 file for the Edge TPU.", "convert"),
    Verb("run", "runtime", RUNNING, "Runs a detector on images, videos, cameras and streams.", "runtime"),
    Verb("bench", "runtime.bench", RUNNING, "Measures how fast a detector runs on this machine.", "runtime"),
    Verb("devices", "devices", DEVICES, "Lists the devices that the kit knows.", "devices"),
    Verb("show", "devices.show", DEVICES, "Shows what the kit knows of a device.", "devices"),
    Verb("doctor", "devices.doctor", DEVICES, "Checks whether this machine is fit to run a detector.", "devices"),
    Verb("install", "devices.install", DEVICES, "Installs a detector on this machine, as a service.", "devices"),
    Verb("keys", "devices.keys", DEVICES, "Makes and changes the keys that sign releases.", "devices"),
    Verb("publish", "devices.publish", DEVICES, "Publishes a signed release of a model.", "devices"),
    Verb("update", "devices.update", DEVICES, "Updates the model of this device.", "devices"),
    Verb("collect", "devices.collect", DEVICES, "Fetches the images that devices have collected.", "devices"),
    Verb("fleet", "devices.fleet", DEVICES, "Shows the state of all devices that report to a broker.", "devices"),
)

# What other programs call it.
_ELSEWHERE = {
    **dict.fromkeys(("detect", "predict", "infer", "inference", "serve", "track"), "run"),
    **dict.fromkeys(("val", "validate", "eval", "test"), "evaluate"),
    **dict.fromkeys(("quantize", "quantise", "tflite"), "convert"),
    **dict.fromkeys(("annotate", "autolabel"), "label"),
    "deploy": "install",
    "info": "inspect",
}


def named(name: str) -> Verb:
    """The verb of that name. Raises KeyError."""
    for verb in VERBS:
        if verb.name == name:
            return verb
    raise KeyError(name)


def similar(word: str) -> List[str]:
    """The names of the verbs that a word which is no verb may stand for; the most similar first."""
    from difflib import get_close_matches

    if word.lower() in _ELSEWHERE:
        return [_ELSEWHERE[word.lower()]]
    of_modules = [verb.name for verb in VERBS if word.lower() in (verb.module, verb.name)]
    plain = word.lower().replace("_", "-")
    return of_modules or get_close_matches(plain, [verb.name for verb in VERBS], n=2)
