"""What holding new releases needs of an installation: the runtime has to compare them with the model that runs."""

from __future__ import annotations

from typing import Optional

from devices.host.paths import MODEL, Layout
from devices.install.target import Target
from runtime.common import settings
from runtime.common.errors import InputError

# The release that is held, as the option `shadow` of the runtime has it.
_LINK = (Layout().shadow / MODEL).as_posix()
SHADOW = f"{_LINK},follow=on"


def asked(given: Optional[str], target: Target) -> str:
    """For how long the updater is to hold a new release; empty for not at all. Where no time is `given`, the last one stays."""
    text = target.yaml_field(Layout().update_config.as_posix(), "shadow-for") if given is None else given
    return text if text != "0" else ""


def is_compared(target: Target) -> bool:
    """Whether the runtime's configuration that is there now lets it compare what is held."""
    said = target.yaml_field(Layout().runtime_config.as_posix(), "shadow")
    try:
        name, found = settings.parse(said, {"share": str, "follow": str})
    except InputError:
        return False
    return name == _LINK and found.get("follow") == "on"
