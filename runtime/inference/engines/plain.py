"""The processor with TFLite's own kernels in place of XNNPACK's, which are faster and round otherwise.

A plain C build of TFLite for x86 agrees with these bit for bit on int8 files; those of ARM, and XNNPACK's
kernels, may lie some hundredths of a score away.
"""

from __future__ import annotations

from runtime.inference.engines import Engine, Request
from runtime.inference.engines.cpu import on_cpu, unfit
from runtime.machine.interpreter_packages import find_package

__all__ = ["KIND", "RANK", "load", "unfit"]

KIND = "the CPU with plain kernels"
RANK = 110


def load(path: str, request: Request) -> Engine:
    module, package = find_package()
    resolver = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return on_cpu(module, path, request, f"{package} without XNNPACK", experimental_op_resolver_type=resolver)
