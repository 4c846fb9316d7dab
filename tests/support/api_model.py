"""Folders as the TensorFlow Object Detection API writes them, with the weights of one of the kit's networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from train.checkpoints import variables
from train.models.ssd_mobilenet_v2_fpnlite import Detector

# The settings that the published ssd_mobilenet_v2_fpnlite has, as far as they say what the network is.
PIPELINE = """
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
train_config { batch_size: 16 fine_tune_checkpoint: "/home/someone/ckpt-0" }
train_input_reader {
  label_map_path: "/home/someone/annotations/label_map.pbtxt"
  tf_record_input_reader { input_path: "/home/someone/train.record" }
}
eval_input_reader { label_map_path: "/home/someone/annotations/label_map.pbtxt" shuffle: false }
"""


def pipeline(changes: Mapping[str, str] | None = None) -> str:
    """The text of a `pipeline.config`, in which each of `changes` replaces what must be there."""
    text = PIPELINE
    for old, new in (changes or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def write_exported(folder: Path, model: Detector, text: str) -> Path:
    """As `exporter_main_v2.py` writes it, without its SavedModel."""
    variables.save(model, folder / "checkpoint")
    return _configured(folder, text)


def write_training(folder: Path, model: Detector, text: str) -> Path:
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


def write_saved_model(folder: Path, model: Detector, text: str) -> Path:
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
