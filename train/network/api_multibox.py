"""What a `pipeline.config` says of networks with six maps of falling size and heads of their own."""

from __future__ import annotations

from train.geometry import ssd_anchors as anchors
from train.network.api_model import ApiModel, Setting, hyperparameters, truth

_PREDICTOR = "convolutional_box_predictor"
_GENERATOR = "ssd_anchor_generator"
# Fields that take the place of computed scales and centres.
_EXPLICIT = ("scales", "height_stride", "width_stride", "height_offset", "width_offset")


def multibox(extractor: str, *, separable_extras: bool, head_kernel: int, separable_heads: bool = False) -> ApiModel:
    """The network with this feature extractor; see `Style` of `train.layers.multibox_detector`."""
    predictor, generator = f"box_predictor.{_PREDICTOR}", f"anchor_generator.{_GENERATOR}"
    # Heads without a depthwise convolution have no batch norm, and no activation.
    used = f"{predictor}.conv_hyperparams" if separable_heads else ""
    return ApiModel(
        extractor,
        _PREDICTOR,
        _GENERATOR,
        (
            truth("feature_extractor.use_depthwise", False, separable_extras),
            Setting("feature_extractor.num_layers", "6", str(anchors.MAPS)),
            Setting(f"{predictor}.num_layers_before_predictor", "0", "0"),
            Setting(f"{predictor}.kernel_size", "1", str(head_kernel)),
            Setting(f"{predictor}.box_code_size", "4", "4"),
            truth(f"{predictor}.apply_sigmoid_to_scores", False, False),
            truth(f"{predictor}.use_depthwise", False, separable_heads),
            *(hyperparameters(used) if used else ()),
            Setting(f"{generator}.num_layers", "6", str(anchors.MAPS)),
            Setting(f"{generator}.min_scale", "0.2", str(anchors.MIN_SCALE)),
            Setting(f"{generator}.max_scale", "0.95", str(anchors.MAX_SCALE)),
            Setting(f"{generator}.interpolated_scale_aspect_ratio", "1.0", "1.0"),
            truth(f"{generator}.reduce_boxes_in_lowest_layer", True, True),
            Setting(f"{generator}.base_anchor_height", "1.0", "1.0"),
            Setting(f"{generator}.base_anchor_width", "1.0", "1.0"),
        ),
        anchors.RATIOS,
        needed=(f"{used}.batch_norm",) if used else (),
        unknown=(f"{predictor}.box_encodings_clip_range", *(f"{generator}.{name}" for name in _EXPLICIT)),
    )
