"""`python -m edge_detection_kit VERB`: the command `edk`, where its script is not on the PATH."""

from __future__ import annotations

import sys
from importlib import import_module

if __name__ == "__main__":
    # The package has two names.
    sys.exit(import_module(__package__ or "edge_detection_kit").main())
