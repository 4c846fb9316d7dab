"""Writes the software bill of materials of an environment: what an extra brings, with versions and licences."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.release.environments import site_packages
from tests.support.release.tools import Failed, Tools


def write(tools: Tools, environment: Path, target: Path, version: str) -> None:
    """Writes it as CycloneDX JSON to `target`. Raises Failed where the kit is not in it in this version."""
    target.parent.mkdir(parents=True, exist_ok=True)
    python = environment / "bin" / "python"
    tools.run("cyclonedx_py", "environment", "--output-reproducible", "--of", "JSON", "-o", target, python)
    described = json.loads(target.read_text(encoding="utf-8"))
    for item in described["components"]:
        # Where the wheel lay when it was installed is nobody's affair.
        given = [one for one in item.pop("externalReferences", ()) if not one["url"].startswith("file:")]
        item.update({"externalReferences": given} if given else {})
    target.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    components = {item["name"]: item["version"] for item in described["components"]}
    installed = len(list(site_packages(environment).glob("*.dist-info")))
    if components.get("edge-detection-kit") != version or len(components) < installed:
        raise Failed(f"{target} lists {len(components)} of {installed} packages, the kit as {components.get('edge-detection-kit')}")
