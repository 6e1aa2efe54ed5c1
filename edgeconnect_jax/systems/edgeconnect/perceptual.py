"""The networks that content and style losses can compare features of.

Without imports, because rules must not import JAX, and tasks nothing that reads pictures.
"""

# losses.perceptual -> the option of the losses that names its weights.
PERCEPTUAL_WEIGHTS = {"vgg19": "vgg_weights", "efficientnet_lite0": "efficientnet_weights"}
