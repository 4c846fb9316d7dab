"""What a `pipeline.config` says of networks with a feature pyramid and one predictor for all levels."""

from __future__ import annotations

from train.geometry import pyramid_anchors as anchors
from train.network.api_model import CONVERTERS, ApiModel, Setting, enumerated, hyperparameters, truth

_PREDICTOR = "weight_shared_convolutional_box_predictor"
_GENERATOR = "multiscale_anchor_generator"
# That of `train.layers.pyramid_detector`, which cannot be imported without TensorFlow.
TOWER_LAYERS = 4


def pyramid(extractor: str, *, depth: int, separable: bool, one_tower: bool) -> ApiModel:
    """The network with this feature extractor; see `Style` of `train.layers.pyramid_detector`."""
    lowest, highest = str(anchors.LEVELS[0]), str(anchors.LEVELS[-1])
    predictor, generator = f"box_predictor.{_PREDICTOR}", f"anchor_generator.{_GENERATOR}"
    return ApiModel(
        extractor,
        _PREDICTOR,
        _GENERATOR,
        (
            truth("feature_extractor.use_depthwise", False, separable),
            Setting("feature_extractor.fpn.min_level", "3", lowest),
            Setting("feature_extractor.fpn.max_level", "7", highest),
            Setting("feature_extractor.fpn.additional_layer_depth", "256", str(depth)),
            Setting(f"{predictor}.depth", "0", str(depth)),
            Setting(f"{predictor}.num_layers_before_predictor", "0", str(TOWER_LAYERS)),
            Setting(f"{predictor}.kernel_size", "3", "3"),
            Setting(f"{predictor}.box_code_size", "4", "4"),
            truth(f"{predictor}.share_prediction_tower", False, one_tower),
            truth(f"{predictor}.use_depthwise", False, separable),
            truth(f"{predictor}.apply_batch_norm", True, True),
            enumerated(f"{predictor}.score_converter", "IDENTITY", "IDENTITY", CONVERTERS),
            *hyperparameters(f"{predictor}.conv_hyperparams"),
            Setting(f"{generator}.min_level", "3", lowest),
            Setting(f"{generator}.max_level", "7", highest),
            Setting(f"{generator}.anchor_scale", "4.0", str(anchors.SCALE)),
            Setting(f"{generator}.scales_per_octave", "2", str(len(anchors.OCTAVE_SCALES))),
            truth(f"{generator}.normalize_coordinates", True, True),
        ),
        anchors.ASPECT_RATIOS,
        needed=("feature_extractor.fpn", f"{predictor}.conv_hyperparams.batch_norm"),
        unknown=(f"{predictor}.box_encodings_clip_range",),
    )
