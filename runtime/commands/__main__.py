"""`python -m runtime.commands VERB`: the command `edk` of a checkout that is not installed."""

from __future__ import annotations

import sys

from runtime import launcher

if __name__ == "__main__":
    sys.exit(launcher.main())
