"""EdgeConnect's options with their defaults, in addition to the shared groups of configs/default.py.

The defaults are those of the paper: 256 x 256, batch 8, Adam (0, 0.9) at 1e-4, nsgan.
"""

from configs import default
from edgeconnect_jax.configuration.types import Config


def _edges() -> dict:
    return dict(
        # "canny" (scikit-image's), "external" (edge maps matched with the pictures by stem) or "hed" (a network's).
        source="canny",
        # Standard deviation of Canny's Gaussian; 0 = 1, 2, 3 or 4 at random for each example, -1 = no edges.
        # train.mode="test" uses the value from the checkpoint's training.
        sigma=2.0,
        # Multiply external edge maps, or HED's, by Canny's, which thins lines to one pixel.
        nms=False,
        # Checkpoint with HED's weights, from scripts/convert_torch_ckpt.py --hed. It and the next two belong to
        # source="hed".
        hed_weights="",
        # HED's probabilities above it become edges; 0 = they are used as they are, as the original uses soft maps.
        hed_threshold=0.0,
        # Folder in which HED's maps of the pictures are kept, which are computed once; "" = maps in
        # $XDG_CACHE_HOME/edgeconnect_jax (~/.cache/edgeconnect_jax). Several machines must share it.
        hed_maps="",
        train="",
        validation="",
        test="",
    )


def _task() -> dict:
    return dict(
        # The stage of training: "edge", "inpaint", "edge_inpaint" or "joint".
        name="edge",
        # Channels of the first layer of every network, and residual blocks of each generator.
        features=64,
        residual_blocks=8,
        # Stage joint: keep training the edge generator against its own discriminator, as the
        # original's code does. False drops it, as the paper does.
        edge_discriminator=True,
        # Arithmetic of the networks, "float32" or "bfloat16"; parameters and losses stay float32.
        dtype="float32",
        # Whether to recompute the residual blocks in the backward pass instead of storing their results: takes more
        # time, but less memory for large pictures and batches.
        remat=False,
    )


def _losses() -> dict:
    return dict(
        # "nsgan", "lsgan" or "hinge".
        gan="nsgan",
        # The discriminator sees a history of this many generated pictures per device (0 = only the newest).
        pool_size=0,
        feature_matching=10.0,
        l1=1.0,
        style=250.0,
        content=0.1,
        adversarial=0.1,
        # The network whose features content and style compare, "vgg19" or "efficientnet_lite0".
        perceptual="vgg19",
        # VGG19 for content and style: the output of scripts/convert_torch_ckpt.py for torchvision's file, or "random"
        # for random weights.
        vgg_weights="",
        # The same for EfficientNet-lite0.
        efficientnet_weights="",
    )


def get_config() -> Config:
    """The default configuration, locked: setting an option that does not exist raises."""
    groups = dict(edges=_edges(), masks=default.masks(), task=_task(), losses=_losses())
    evaluation = dict(
        # Values of an edge map above this threshold count as edges in precision and recall.
        edge_threshold=0.5,
        # Validation also measures precision and recall with this tolerance: the largest difference in rows and in
        # columns, in pixels, between edges that count as the same.
        edge_tolerance=1,
    )
    return default.shared("edgeconnect", **groups, eval=evaluation)


def four_stages(config: Config, stage: str) -> Config:
    """The original's four stages on a data set, each starting from the previous ones.

    edge: the edge generator learns to complete Canny's edges inside the hole. Their precision and recall rise in
        metrics.jsonl, and in the grids of pictures the generated lines continue the known ones. No VGG19 is needed.
    inpaint: the completion network learns to fill the hole along the true edges. L1 falls and PSNR rises to a higher
    level than
        in later stages, because the edges inside the hole are the true ones.
    edge_inpaint: the completion network learns to follow the frozen edge generator. PSNR is below that of "inpaint"
        at first, because the edges are now predictions, and then rises.
    joint: both learn together, from the level of "edge_inpaint" with a slow gain. The edge generator is still trained
        against its own discriminator, as in the original's code; task.edge_discriminator=False drops it, as the paper
        does.

    Args:
        config: changed in place.
        stage: one of these, to run it alone; "" = all of them in this order.

    Returns:
        The configuration.

    Raises:
        ValueError: there is no such stage.
    """
    # Imported here because the options alone need only ml_collections.
    from edgeconnect_jax.configuration.stages import choose
    from edgeconnect_jax.systems.edgeconnect.rules import STAGES

    config.stages = tuple((name, {"task.name": name}) for name in STAGES)
    return choose(config, stage)
