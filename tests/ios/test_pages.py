"""What the pages about the Swift package say is true: their code compiles, and what they name exists."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.swift_compiler import SOURCES, swift_files

CATALOG = SOURCES / "EdgeDetection" / "EdgeDetection.docc"
PAGES = [ROOT / "docs" / "how-to" / "ios.md", *sorted(CATALOG.glob("*.md"))]
ADAPTERS = ROOT / "ios" / "Adapters"
NOT_COMPILED = "<!-- not compiled: "
# What the pages' readers have.
READER = """
import CoreVideo
import EdgeDetection
import Foundation

func show(_ detections: [Detection], _ size: ImageSize) {}

final class MyEngine: Engine {
    let name = "mine"
    let inputs: [TensorPort] = []
    let outputs: [TensorPort] = []
    func invoke(_ input: [UInt8]) throws(DetectorError) -> [Tensor] { [] }
}
"""
BODY = """
func block{number}(
    path: String, pixelBuffer: CVPixelBuffer, frame: Frame, frames: AsyncStream<Frame>, detector: Detector
) async throws {{
    do {{
{code}
    }}
}}
"""


def blocks(page: Path) -> list[str]:
    """The Swift code on a page, but for what says why it is not compiled."""
    parts = re.split(r"```swift\n", page.read_text(encoding="utf-8"))
    return [
        after.split("```")[0]
        for before, after in zip(parts, parts[1:])
        if not before.rstrip().rpartition("\n")[2].lstrip().startswith(NOT_COMPILED)
    ]


def test_code_on_the_pages_compiles(package, compiler, tmp_path):
    assert package.returncode == 0
    code = [re.sub(r"^import EdgeDetection\n", "", block) for page in PAGES for block in blocks(page)]
    assert len(code) > 8
    source = tmp_path / "Pages.swift"
    source.write_text(READER + "".join(BODY.format(number=number, code=one) for number, one in enumerate(code)))
    done = compiler.user(source, *swift_files(ADAPTERS))
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    assert done.returncode == 0, "\n".join(errors[:10])


def public_names() -> set[str]:
    """The public types of the package, and `Type/member` of what is declared in their files."""
    names: set[str] = set()
    for path in swift_files(SOURCES / "EdgeDetection"):
        current = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            kind = re.match(r"public (?:final )?(?:struct|class|actor|enum|protocol) (\w+)", line)
            extended = re.match(r"extension (\w+)", line)
            current = kind[1] if kind else extended[1] if extended else current
            if kind:
                names.add(current)
            member = re.match(r" {4}(?:public .*?(?:func|var|let)|case) (\w+)", line)
            if member:
                names.add(f"{current}/{member[1]}")
    return names


def test_catalog_names_what_is_public():
    text = "".join(page.read_text(encoding="utf-8") for page in CATALOG.glob("*.md"))
    linked = set(re.findall(r"``([\w/]+)(?:\([^`]*\))?``", text)) - {"EdgeDetection"}
    known = public_names()
    assert linked <= known, linked - known
    types = {name for name in known if "/" not in name}
    assert types <= linked, f"not in the catalog: {types - linked}"
    articles = set(re.findall(r"<doc:(\w+)>", text))
    assert articles == {page.stem for page in CATALOG.glob("*.md")} - {"EdgeDetection"}


def test_options_on_the_page_are_those_of_the_package():
    page = PAGES[0].read_text(encoding="utf-8")
    source = (SOURCES / "EdgeDetection" / "DetectorOptions.swift").read_text(encoding="utf-8")
    options = set(re.findall(r"^    public var (\w+)", source, re.MULTILINE))
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert options <= {name for row in rows for name in re.findall(r"`(\w+)`", row)}
