"""Folders as the TensorFlow Object Detection API writes them, with the weights of one of the kit's networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from train.checkpoints import variables
from train.layers.keras_types import Model

# The settings that published networks have, as far as they say what the network is: of ssd_mobilenet_v2_fpnlite,
_PYRAMID = """
model {
  ssd {
    num_classes: 4
    image_resizer { fixed_shape_resizer { height: 320 width: 320 } }
    feature_extractor {
      type: "ssd_mobilenet_v2_fpn_keras"
      depth_multiplier: 1.0
      min_depth: 16
      conv_hyperparams {
        regularizer { l2_regularizer { weight: 3.9999998989515007e-05 } }
        initializer { random_normal_initializer { mean: 0.0 stddev: 0.009999999776482582 } }
        activation: RELU_6
        batch_norm { decay: 0.996999979019165 scale: true epsilon: 0.0010000000474974513 }
      }
      use_depthwise: true
      override_base_feature_extractor_hyperparams: true
      fpn { min_level: 3 max_level: 7 additional_layer_depth: 128 }
    }
    box_coder { faster_rcnn_box_coder { y_scale: 10.0 x_scale: 10.0 height_scale: 5.0 width_scale: 5.0 } }
    matcher { argmax_matcher { matched_threshold: 0.5 unmatched_threshold: 0.5 } }
    similarity_calculator { iou_similarity { } }
    box_predictor {
      weight_shared_convolutional_box_predictor {
        conv_hyperparams {
          activation: RELU_6
          batch_norm { decay: 0.996999979019165 scale: true epsilon: 0.0010000000474974513 }
        }
        depth: 128
        num_layers_before_predictor: 4
        kernel_size: 3
        class_prediction_bias_init: -4.599999904632568
        share_prediction_tower: true
        use_depthwise: true
      }
    }
    anchor_generator {
      multiscale_anchor_generator {
        min_level: 3
        max_level: 7
        anchor_scale: 4.0
        aspect_ratios: 1.0
        aspect_ratios: 2.0
        aspect_ratios: 0.5
        scales_per_octave: 2
      }
    }
    post_processing {
      batch_non_max_suppression {
        score_threshold: 9.99999993922529e-09
        iou_threshold: 0.6000000238418579
        max_detections_per_class: 100
        max_total_detections: 100
      }
      score_converter: SIGMOID
    }
    encode_background_as_zeros: true
  }
}
"""
_READERS = """
train_config { batch_size: 16 fine_tune_checkpoint: "/home/someone/ckpt-0" }
train_input_reader {
  label_map_path: "/home/someone/annotations/label_map.pbtxt"
  tf_record_input_reader { input_path: "/home/someone/train.record" }
}
eval_input_reader { label_map_path: "/home/someone/annotations/label_map.pbtxt" shuffle: false }
"""


PIPELINE = _PYRAMID + _READERS

# and of TensorFlow 2's ssd_mobilenet_v2, with defaults left out.
_MULTIBOX = """
model {
  ssd {
    num_classes: 4
    image_resizer { fixed_shape_resizer { height: 300 width: 300 } }
    feature_extractor {
      type: "ssd_mobilenet_v2_keras"
      depth_multiplier: 1.0
      min_depth: 16
      conv_hyperparams {
        activation: RELU_6
        batch_norm { decay: 0.97 center: true scale: true epsilon: 0.001 train: true }
      }
      override_base_feature_extractor_hyperparams: true
    }
    box_coder { faster_rcnn_box_coder { y_scale: 10.0 x_scale: 10.0 height_scale: 5.0 width_scale: 5.0 } }
    box_predictor {
      convolutional_box_predictor {
        conv_hyperparams {
          activation: RELU_6
          batch_norm { decay: 0.97 center: true scale: true epsilon: 0.001 train: true }
        }
        use_dropout: false
        kernel_size: 1
      }
    }
    anchor_generator {
      ssd_anchor_generator {
        num_layers: 6
        min_scale: 0.2
        max_scale: 0.95
        aspect_ratios: 1.0
        aspect_ratios: 2.0
        aspect_ratios: 0.5
        aspect_ratios: 3.0
        aspect_ratios: 0.3333
      }
    }
    post_processing {
      batch_non_max_suppression { score_threshold: 1e-08 iou_threshold: 0.6 max_total_detections: 100 }
      score_converter: SIGMOID
    }
  }
}
"""

_TF1_MULTIBOX = (
    (_MULTIBOX + _READERS)
    .replace("ssd_mobilenet_v2_keras", "ssd_mobilenet_v2")
    .replace("override_base_feature_extractor_hyperparams", "use_depthwise")
    .replace("kernel_size: 1", "kernel_size: 3")
)

PIPELINES = {
    "ssd_mobilenet_v2_fpnlite": PIPELINE,
    "ssd_mobilenet_v2_keras": _MULTIBOX + _READERS,
    "ssd_mobilenet_v2": _TF1_MULTIBOX,
    "ssdlite_mobilenet_v2": _TF1_MULTIBOX.replace("use_dropout: false", "use_depthwise: true"),
    "ssdlite_mobiledet_edgetpu": _TF1_MULTIBOX.replace("ssd_mobilenet_v2", "ssd_mobiledet_edgetpu").replace(
        "use_dropout: false", "use_depthwise: true"
    ),
    "ssd_mobilenet_v1_fpn": PIPELINE.replace("ssd_mobilenet_v2_fpn_keras", "ssd_mobilenet_v1_fpn_keras")
    .replace("use_depthwise: true", "")
    .replace("share_prediction_tower: true", "")
    .replace("128", "256"),
}


def pipeline(changes: Mapping[str, str] | None = None, network: str = "ssd_mobilenet_v2_fpnlite") -> str:
    """The text of a `pipeline.config`, in which each of `changes` replaces what must be there."""
    text = PIPELINES[network]
    for old, new in (changes or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def write_exported(folder: Path, model: Model, text: str) -> Path:
    """As `exporter_main_v2.py` writes it, without its SavedModel."""
    variables.save(model, folder / "checkpoint")
    return _configured(folder, text)


def write_training(folder: Path, model: Model, text: str) -> Path:
    """As `model_main_tf2.py` leaves it: with the optimizer's state, and an older checkpoint."""
    step = tf.Variable(3, dtype=tf.int64)
    saved = tf.train.Checkpoint(model=model, step=step)
    manager = tf.train.CheckpointManager(saved, str(folder), max_to_keep=2)
    kernel = next(iter(variables.variables(model).values()))
    value = kernel.numpy()
    kernel.assign(value + 1)
    manager.save()
    kernel.assign(value)
    manager.save()
    return _configured(folder, text)


def write_saved_model(folder: Path, model: Model, text: str) -> Path:
    """The variables as `tf.saved_model.save` lays them out for a module that has the network as `_model`; no graph.

    Saving the network takes the better part of a minute, all of it for the graph. Keras gives it a list of all
    variables, which is a shorter way to them than by attributes, and so the keys are those of the list.
    """
    every = variables.variables(model)
    tree: dict[str, Any] = {"variables": list(every.values())}
    for stem, variable in every.items():
        *parents, name = stem.split("/")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = variable
    saved = folder / "saved_model"
    tf.train.Checkpoint(_model=_tracked(tree)).write(str(saved / "variables" / "variables"))
    (saved / "saved_model.pb").write_bytes(b"")
    return _configured(folder, text)


def _tracked(tree: Any) -> Any:
    """`tree` as objects whose attributes are its items."""
    if not isinstance(tree, dict):
        return tree
    return tf.train.Checkpoint(**{name: _tracked(value) for name, value in tree.items()})


def _configured(folder: Path, text: str) -> Path:
    (folder / "pipeline.config").write_text(text, encoding="utf-8")
    return folder
