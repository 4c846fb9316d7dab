"""From labelled images to a checkpoint.

Reading a data set (`open_dataset`) needs no TensorFlow; the modules that train import it themselves.
"""

from train.dataset.dataset import Dataset, Example, LabelledBox, open_dataset

__all__ = ["Dataset", "Example", "LabelledBox", "open_dataset"]
