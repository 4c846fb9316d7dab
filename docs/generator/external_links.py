"""Links from the pages to the web: each once, and whether it can be fetched."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from docs.generator.commands import ROOT
from docs.generator.markdown import links, prose
from docs.generator.sources import written

_BARE = re.compile(r"<(https?://[^\s<>]+)>")
# Addresses on this machine, and names kept for examples.
_LOCAL = re.compile(r"https?://(127\.0\.0\.1|localhost|[^/]*\.?example\.(com|org|net))(?=[:/]|$)")
_SECONDS = 20


def texts() -> dict[str, str]:
    """The Markdown files that people write, by their paths in the repository."""
    paths = [*written().values(), *(path for path in [ROOT / "README.md"] if path.is_file())]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(paths)}


def external() -> dict[str, list[str]]:
    """Where each address is named, as FILE:LINE, sorted by address."""
    found: dict[str, list[str]] = {}
    for name, text in texts().items():
        named = [(link.line, link.target) for link in links(text)]
        shown = prose(text)
        named += [(shown.count("\n", 0, match.start()) + 1, match[1]) for match in _BARE.finditer(shown)]
        for line, target in named:
            address = target.partition("#")[0]
            if re.match("https?:", address) and not _LOCAL.match(address):
                found.setdefault(address, []).append(f"{name}:{line}")
    return dict(sorted(found.items()))


def faults(addresses: Iterable[str]) -> dict[str, str]:
    """The addresses that cannot be fetched, with the reason. Needs a network."""
    addresses = list(addresses)
    with ThreadPoolExecutor(8) as pool:
        return {address: fault for address, fault in zip(addresses, pool.map(_fault, addresses)) if fault}


def _fault(address: str) -> str:
    request = urllib.request.Request(address, headers={"User-Agent": "Mozilla/5.0 (link check)"})
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        # Some hosts turn programs away; a person gets the page.
        return "" if error.code in (401, 403, 405, 429) else f"{error.code} {error.reason}"
    except (OSError, ValueError) as error:
        return str(error)
