"""What a network must offer to be trained, converted and run, and what families of networks have in common.

The networks themselves lie in `train.models`. Importing this room imports no TensorFlow.
"""
