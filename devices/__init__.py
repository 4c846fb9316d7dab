"""The machines that detectors run on: which boards and phones there are, what they need, and how models reach them.

`boards` knows the devices, `doctor` checks one, `install` sets one up, `keys` and `publish` sign releases of a model,
`update` brings a release to a device, and `fleet` watches many devices. What runs on a device is `runtime`; how a
model was trained or converted does not belong here.
"""
