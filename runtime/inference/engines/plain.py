"""The CPU, with TFLite's own kernels instead of those of XNNPACK, which are faster and round differently.

On int8 files, a plain C build of TFLite for x86 gives the same bits. Scores of the ARM kernels and of XNNPACK may
differ by some hundredths.
"""

from __future__ import annotations

from runtime.inference.engines import Engine, Request
from runtime.inference.engines.cpu import on_cpu, unfit
from runtime.machine.interpreter_packages import find_package

__all__ = ["KIND", "RANK", "load", "unfit"]

KIND = "the CPU with plain kernels"
RANK = 110


def load(path: str, request: Request) -> Engine:
    """Loads the file `path` on the CPU without XNNPACK. Raises InputError where the interpreter refuses it."""
    module, package = find_package()
    resolver = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return on_cpu(module, path, request, f"{package} without XNNPACK", experimental_op_resolver_type=resolver)
