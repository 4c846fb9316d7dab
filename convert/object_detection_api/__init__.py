"""Models of the TensorFlow Object Detection API: what `pipeline.config` says, and whether the kit has the network.

Here is what is known of that API's folders and settings. Weights are read in `train.checkpoints`, and files are made in
`convert.export`.
"""
