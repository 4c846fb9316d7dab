"""Which part of the kit may import what, and what every file of it has."""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Iterator, NamedTuple
from urllib.parse import urlsplit

import pytest

from runtime.commands.edk import COMPLETION
from runtime.commands.verbs import VERBS
from tests.support.paths import ROOT

PACKAGES = ("train", "convert", "runtime", "devices")

if sys.version_info < (3, 10):
    pytest.skip("needs sys.stdlib_module_names of Python 3.10", allow_module_level=True)

TENSORFLOW = {"tensorflow", "tf_keras", "keras", "official", "tensorflow_model_optimization"}
RUNTIME_NEEDS = {"numpy", "cv2"}
# What single modules import only when they are used, with the extra that brings it; the system of a
# Raspberry Pi brings picamera2 and libcamera.
OPTIONAL = {
    # Runs in an environment of its own.
    "runtime.bench.mediapipe_process": {"mediapipe": None},
    "runtime.filters.track": {"edgefirst": "track"},
    "runtime.common.interop": {"supervision": "dev"},
    "runtime.sinks.metrics": {"prometheus_client": "metrics"},
    "runtime.media.h264": {"av": "video"},
    "runtime.mqtt.client": {"paho": "mqtt"},
    "runtime.sinks.web": {"websockets": "serve"},
    "runtime.web.responses": {"websockets": "serve"},
    "runtime.web.server": {"websockets": "serve"},
    "runtime.web.view": {"websockets": "serve"},
    "runtime.sources.picamera": {"picamera2": None, "libcamera": None},
    "runtime.sources.pyav": {"av": "video"},
    # TensorFlow comes with protobuf.
    "train.checkpoints.object_graph": {"google": None},
    "train.foreign.onnx_file": {"onnx": "onnx", "google": None},
    "train.loggers.mlflow": {"mlflow": "mlflow"},
    "train.loggers.wandb": {"wandb": "wandb"},
    "train.records.beam": {"apache_beam": "scale"},
}
# Folders where each file is a plug-in, found because it lies there; they may hold any number.
PLUGINS = {
    "runtime.sources", "runtime.sinks", "runtime.filters", "runtime.inference.decoders", "runtime.inference.engines",
    "train.dataset.formats",
    "train.dataset.writers", "train.loggers", "train.models", "train.check.checks", "devices.doctor.checks", "devices.install.steps",
}  # fmt: skip
MOST_FILES = 16
COMMON = "runtime.common"

COMMAND = re.compile(r"(?:python|\$\(PY\)) -m ((?:train|convert|runtime|devices)(?:\.\w+)*)([^\n`#|\"']*)")
VERB = re.compile(r"\bedk ([a-z][a-z-]*)([^\n`#|\"']*)")


class Import(NamedTuple):
    """`at_once` is true where importing the module runs this import."""

    name: str
    at_once: bool


def modules() -> dict[str, Path]:
    """The kit's modules by name; a package stands for its `__init__`."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@functools.cache
def imports(module: str) -> tuple[Import, ...]:
    return tuple(_imports(ast.parse(MODULES[module].read_text(encoding="utf-8")), True))


def _imports(node: ast.AST, at_once: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, at_once) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert not child.level, "the kit imports by full names"
            for alias in child.names:
                whole = f"{child.module}.{alias.name}"
                yield Import(whole if whole in MODULES else child.module, at_once)
        else:
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from _imports(child, at_once and not inside)


def reached(start: str, *, at_once: bool) -> dict[str, str]:
    """Everything that `start` imports, directly or through the kit's modules, with the importer.

    With `at_once`, only what is imported when `start` is.
    """
    found: dict[str, str] = {}
    waiting = [start]
    while waiting:
        module = waiting.pop()
        names = [name for name, now in imports(module) if now or not at_once]
        # Importing a.b runs a/__init__.py first.
        names += [parent for name in (module, *names) for parent in _parents(name) if parent in MODULES]
        for name in names:
            if name not in found:
                found[name] = module
                if name in MODULES:
                    waiting.append(name)
    return found


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def top(name: str) -> str:
    return name.partition(".")[0]


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_what_it_is_for(module):
    assert ast.get_docstring(ast.parse(MODULES[module].read_text(encoding="utf-8")))


@pytest.mark.parametrize("module", [name for name in MODULES if top(name) == "runtime"])
def test_runtime_stands_on_its_own(module):
    for name, at_once in imports(module):
        allowed = top(name) == "runtime" or top(name) in RUNTIME_NEEDS or top(name) in sys.stdlib_module_names
        optional = top(name) in OPTIONAL.get(module, ()) and not at_once
        assert allowed or optional, f"{module} imports {name}"


def room(module: str) -> str:
    """The folder that a module lies in, as a dotted name."""
    return ".".join(MODULES[module].parent.relative_to(ROOT).parts)


def is_command(module: str) -> bool:
    """Whether a module is a command, which stands above the rooms of its package, or a package's public names."""
    return module.endswith("__main__") or room(module) in PACKAGES


def table() -> dict[str, set[str]]:
    """Which rooms each room may use, as CONTRIBUTING.md says."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `((?:train|convert|runtime|devices)\.[\w.]+)` \| (.*) \|$", text, flags=re.M)
    assert len({name for name, _ in rows}) == len(rows), "a room has two rows"
    return {name: set(re.findall(r"`([\w.]+)`", used)) for name, used in rows}


ROOMS = table()


def test_the_table_has_every_room_and_no_other():
    assert set(ROOMS) == {room(name) for name in MODULES if not is_command(name)}
    assert not {used for uses in ROOMS.values() for used in uses} - set(ROOMS)


def test_no_room_uses_one_that_stands_above_it():
    above: set[str] = set()
    for name in reversed(ROOMS):
        assert not ROOMS[name] & above, f"{name} uses {ROOMS[name] & above}"
        above.add(name)


@pytest.mark.parametrize("module", [name for name in MODULES if not is_command(name)])
def test_a_room_uses_what_the_table_lets_it(module):
    own = room(module)
    for name, _ in imports(module):
        if name in MODULES:
            assert room(name) in {own, COMMON} | ROOMS[own], f"{module} imports {name}"


@pytest.mark.parametrize("module", [name for name in MODULES if is_command(name)])
def test_a_command_uses_what_its_package_may(module):
    mine = {name for name in ROOMS if top(name) == top(module)} | {top(module), COMMON}
    mine |= {used for name in mine & set(ROOMS) for used in ROOMS[name]}
    # `convert` measures and shows with what `runtime` has for that.
    mine |= {name for name in ROOMS if top(name) == "runtime"} if top(module) in ("convert", "devices") else set()
    for name, _ in imports(module):
        assert name not in MODULES or room(name) in mine, f"{module} imports {name}"


def test_no_file_imports_itself_by_way_of_others():
    waiting = {name: {used for used, _ in imports(name) if used in MODULES and used != name} for name in MODULES}
    while ready := [name for name, needs in waiting.items() if not needs]:
        waiting = {name: needs - set(ready) for name, needs in waiting.items() if name not in ready}
    assert not waiting, f"a cycle among {sorted(waiting)}"


@pytest.mark.parametrize("folder", sorted({room(name) for name in MODULES}))
def test_a_room_is_small_enough_to_be_looked_through(folder):
    files = [name for name in MODULES if room(name) == folder]
    assert folder in PLUGINS or len(files) <= MOST_FILES, f"{folder} has {len(files)} files"


@pytest.mark.parametrize("folder", sorted(ROOMS))
def test_a_room_says_what_belongs_there(folder):
    assert MODULES[folder].name == "__init__.py"
    assert ast.get_docstring(ast.parse(MODULES[folder].read_text(encoding="utf-8")))


def test_tests_lie_as_the_kit_does():
    for path in (ROOT / "tests").rglob("test_*.py"):
        parts = path.relative_to(ROOT / "tests").parts[:-1]
        if parts and parts[0] in PACKAGES:
            assert (ROOT / Path(*parts)).is_dir(), f"{path.relative_to(ROOT)}: there is no {'/'.join(parts)}"
        else:
            assert not parts or parts[0] in ("support", "android", "ios", "docs", "examples", "notebooks"), f"{path.relative_to(ROOT)} mirrors nothing"


@pytest.mark.parametrize("module", [name for name in MODULES if top(name) == "devices"])
def test_devices_know_machines_and_the_runtime_only(module):
    for name, _ in imports(module):
        assert top(name) not in ("train", "convert") and top(name) not in TENSORFLOW, f"{module} imports {name}"


@pytest.mark.parametrize(
    "module", [name for name in MODULES if top(name) == "devices" or top(name) == "runtime"]
)
def test_what_runs_on_a_board_is_written_for_python_3_9(module):
    source = MODULES[module].read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 9))
    futures = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    needed = any(not isinstance(node, ast.Expr) for node in tree.body)
    assert futures or not needed, "annotations such as X | Y are evaluated on 3.9 without the future import"
    assert not re.search(r"@dataclass\([^)]*slots", source), "dataclass slots came with 3.10"


@pytest.mark.parametrize(
    "module",
    ["train", "train.dataset.dataset", "train.records", "train.run.run_folder", "train.evaluation.coco", "train.generate", "train.__main__"]
    + ["train.check", "train.report", "train.compare", "train.report.page"]
    + [name for name in MODULES if name.startswith("train.dataset.formats")],
)
def test_data_sets_and_runs_are_read_without_tensorflow(module):
    found = reached(module, at_once=True)
    assert not {f"{found[name]} imports {name}" for name in found if top(name) in TENSORFLOW}


@pytest.mark.parametrize("module", ["convert.inspect", "convert.edgetpu", "convert.benchmark", "convert.evaluate", "convert.quantization_report"])
def test_files_are_looked_at_without_tensorflow(module):
    found = reached(module, at_once=True)
    assert not {f"{found[name]} imports {name}" for name in found if top(name) in TENSORFLOW}


def test_the_process_that_converts_is_started_without_tensorflow():
    found = reached("convert.file.conversion", at_once=True)
    assert not {f"{found[name]} imports {name}" for name in found if top(name) in TENSORFLOW}


@pytest.mark.parametrize("package", PACKAGES)
def test_each_extra_brings_what_its_package_imports(package):
    tomllib = pytest.importorskip("tomllib")
    requirements = pytest.importorskip("packaging.requirements")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    brought = set()
    waiting = [package]
    while waiting:
        for line in project["optional-dependencies"][waiting.pop()]:
            requirement = requirements.Requirement(line)
            if requirement.name == project["name"]:
                waiting += requirement.extras
            else:
                brought.add(requirement.name)
    module_of = {
        "opencv-python-headless": "cv2", "Pillow": "PIL", "PyYAML": "yaml", "tf-models-official": "official",
    }  # fmt: skip
    available = {module_of.get(name, name.replace("-", "_")) for name in brought}
    # Model Garden comes with its training loop.
    available |= {"orbit"} if "official" in available else set()
    for module in (name for name in MODULES if top(name) == package):
        found = reached(module, at_once=False)
        for name, importer in found.items():
            known = top(name) in PACKAGES or top(name) in sys.stdlib_module_names
            known = known or top(name) in OPTIONAL.get(importer, ())
            assert known or top(name) in available, f"{importer} imports {name}, which the extra {package} lacks"


def test_extras_bring_what_single_modules_import():
    tomllib = pytest.importorskip("tomllib")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    package_of = {
        "apache_beam": "apache-beam", "edgefirst": "edgefirst-tracker", "mlflow": "mlflow-skinny", "paho": "paho-mqtt",
        "prometheus_client": "prometheus-client",
    }  # fmt: skip
    for module, found in OPTIONAL.items():
        assert module in MODULES
        for name, extra in found.items():
            package = package_of.get(name, name)
            assert extra is None or any(re.match(rf"{package}\W", line) for line in extras[extra]), f"{extra}: {package}"


def committed() -> list[Path]:
    """Files that git keeps, or would."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this is no git checkout: {error}")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def index_hosts() -> set[str]:
    """The public index's hosts, put together here, and those that pip is set up for on this machine."""
    hosts = {"py" + "pi.org", "files.python" + "hosted.org"}
    said = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
    said += "\n".join(value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_")))
    return hosts | {host for url in re.findall(r"https?://[^\s'\"]+", said) if (host := urlsplit(url).hostname)}


def test_no_file_names_a_package_index():
    option = re.compile(r"--(?:extra-)?index" + r"-url|--trusted" + r"-host|--find" + r"-links(?!=/)")
    hosts = {host for host in index_hosts() if host not in ("localhost", "127.0.0.1")}
    for path in committed():
        text = path.read_bytes().decode("utf-8", errors="replace")
        named = [host for host in hosts if host in text] + option.findall(text)
        assert not named, f"{path.relative_to(ROOT)} names {named[0]}"


def commands() -> list[tuple[str, str, str]]:
    """(file, module, the rest of the line) for each of the kit's commands that a text or message names."""
    found = set()
    pages = sorted((ROOT / "docs").rglob("*.md"))
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "Makefile", *pages, *MODULES.values()):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(ROOT).as_posix()
        found |= {(name, match[1], match[2].strip()) for match in COMMAND.finditer(text)}
        if path.suffix == ".md":
            found |= {(name, module_of(match[1], name), match[2].strip()) for match in VERB.finditer(text) if match[1] != COMPLETION}
    return sorted(found)


def module_of(verb: str, page: str) -> str:
    """The module that `edk VERB` hands over to; of a verb that there is not, a name that says so."""
    return next((known.module for known in VERBS if known.name == verb), f"edk {verb} on {page}")


def test_texts_name_commands():
    assert {module for _, module, _ in commands()} >= {"train", "convert", "runtime", "convert.inspect"}


@pytest.mark.parametrize(("file", "module", "rest"), commands())
def test_commands_in_texts_are_the_kits(file, module, rest):
    package = module in MODULES and MODULES[module].name == "__init__.py"
    home = f"{module}.__main__" if package else module
    assert home in MODULES, f"{file}: there is no python -m {module}"
    # What follows a -- is for another program.
    options = re.findall(r"(?<![\w-])--[a-z][\w-]*", rest.partition(" -- ")[0])
    if options:
        told = usage(home)
        for option in options:
            assert re.search(re.escape(option) + r"(?![\w-])", told), f"{file}: python -m {module} has no {option}"


@functools.cache
def usage(module: str) -> str:
    """What the command prints for --help."""
    for name in reached(module, at_once=True):
        if top(name) not in PACKAGES:
            pytest.importorskip(top(name))
    written = io.StringIO()
    with contextlib.redirect_stdout(written), pytest.raises(SystemExit):
        importlib.import_module(module).main(["--help"])
    return written.getvalue()
