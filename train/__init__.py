"""Training: from labelled images to a checkpoint.

The rooms, each of which imports only from those before it: `files`, `dataset`, `models`, `checkpoints`, `evaluation`,
`augment`, `quantization`, `records`, `sample_data`, `pages`, `check`, `run`, `report`, `loggers`, `training`. The
commands lie beside them. `import train` does not import TensorFlow; the modules that need it import it themselves.
"""

from train.dataset.dataset import Dataset, Example, LabelledBox, open_dataset
from train.loggers import Logger

__all__ = ["Dataset", "Example", "LabelledBox", "Logger", "open_dataset"]
