"""Training: from labelled images to a checkpoint.

The rooms, each of which imports only from those before it: `files`, `dataset`, `models`, `checkpoints`, `evaluation`,
`augment`, `quantization`, `records`, `sample_data`, `pages`, `check`, `run`, `report`, `training`. The commands lie
beside them. `import train` does not import TensorFlow; the modules that need it import it themselves.
"""

from train.dataset.dataset import Dataset, Example, LabelledBox, open_dataset

__all__ = ["Dataset", "Example", "LabelledBox", "open_dataset"]
