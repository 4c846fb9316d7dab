"""A fake `edgetpu_compiler`, which behaves as the real one is documented to.

The variable STANDIN_DO selects what it does; STANDIN_COMPILED names the file that it copies to its output.
"""

import os
import re
import shutil
import sys
import time
from pathlib import Path

HEAD = """Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.

Model compiled successfully in 412 ms.

Input model: {name}.tflite
Input size: 7.35KiB
Output model: {name}_edgetpu.tflite
Output size: 8.10KiB
On-chip memory used for caching model parameters: 6.52MiB
On-chip memory remaining for caching model parameters: 1.20MiB
Off-chip memory used for streaming uncached model parameters: 64.00KiB
Number of Edge TPU subgraphs: 1
Total number of operations: 12
Operation log: {name}_edgetpu.log
"""

PARTLY = """
Model successfully compiled but not all operations are supported by the Edge TPU. A percentage of the model will instead run on the CPU, which is slower.
Number of operations that will run on Edge TPU: {on_tpu}
Number of operations that will run on CPU: {on_cpu}
See the operation log file for individual operation details.
"""

TABLE = """
Operator                       Count      Status

{rows}
"""

MAPPED = "Mapped to Edge TPU"
TYPE = "Operation is working on an unsupported data type"
FULL = [
    ("QUANTIZE", 1, MAPPED), ("DEPTHWISE_CONV_2D", 1, MAPPED), ("AVERAGE_POOL_2D", 1, MAPPED),
    ("CONV_2D", 3, MAPPED), ("RESHAPE", 2, MAPPED), ("LOGISTIC", 1, MAPPED),
    ("DEQUANTIZE", 2, TYPE), ("CUSTOM", 1, TYPE),
]  # fmt: skip
PARTIAL = [
    ("QUANTIZE", 1, MAPPED), ("DEPTHWISE_CONV_2D", 1, MAPPED), ("AVERAGE_POOL_2D", 1, MAPPED),
    ("CONV_2D", 1, MAPPED), ("CONV_2D", 2, "More than one subgraph is not supported"),
    ("RESHAPE", 2, "Tensor has unsupported rank (up to 3 innermost dimensions mapped)"),
    ("LOGISTIC", 1, "More than one subgraph is not supported"),
    ("DEQUANTIZE", 2, TYPE), ("CUSTOM", 1, TYPE),
]  # fmt: skip


def main(arguments):
    assert "--show_operations" in arguments, arguments
    folder = Path(arguments[arguments.index("--out_dir") + 1])
    model = Path(arguments[-1])
    assert model.is_file() and folder.is_dir(), arguments
    do = os.environ["STANDIN_DO"]
    if do == "sleep":
        time.sleep(600)
    if do == "internal error":
        print("Edge TPU Compiler version 16.0.384591198\nInternal compiler error. Aborting!")
        return 1
    if do == "invalid":
        print("Edge TPU Compiler version 16.0.384591198\nERROR: :61 op_context.input->type\n")
        print("Compilation failed: Model failed in Tflite interpreter. Please ensure model can be")
        return 1
    if do == "silent failure":
        return 139
    rows = PARTIAL if do == "partial" else FULL
    report(model.stem, rows, folder)
    if do != "no output":
        shutil.copy(os.environ["STANDIN_COMPILED"], folder / f"{model.stem}_edgetpu.tflite")
    return 0


def report(name, rows, folder):
    on_tpu = sum(count for _, count, status in rows if status == MAPPED)
    table = TABLE.format(rows="\n".join(f"{n:<30} {c:<10} {s}" for n, c, s in rows))
    text = HEAD.format(name=name) + PARTLY.format(on_tpu=on_tpu, on_cpu=12 - on_tpu) + table
    print(text)
    log = re.sub(r"(?s)Started.*log\n", "", HEAD.format(name=name)) + table
    (folder / f"{name}_edgetpu.log").write_text(log)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
