"""How close results are to the true pictures: which pictures, which metrics, and how they are reported.

The outputs of any program, a model or a baseline are measured in the same way. Here a block
of each of two pictures is filled without learning; `definitions.Evaluation` declares the outputs of a system's models,
and its own metrics:

    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from edgeconnect_jax.evaluation import groups, holes, outputs, pairs, run
    >>> from edgeconnect_jax.evaluation.definitions import MeasurementSettings
    >>> from edgeconnect_jax.images.files import write_png

    >>> truth = tempfile.TemporaryDirectory()
    >>> ramp = np.arange(0, 256, 4, dtype=np.uint8)
    >>> for name, levels in {"rising": ramp, "falling": ramp[::-1]}.items():
    ...     write_png(pathlib.Path(truth.name, f"{name}.png"), np.broadcast_to(levels[:, None], (64, 64, 3)).copy())

    >>> found = pairs.find_pairs(truth.name)
    >>> source, drawn = outputs.BaselineOutput("mean"), holes.DrawnHoles("block", seed=0)
    >>> results = run.evaluate(found, source, drawn, MeasurementSettings((groups.PSNR, groups.L1)))
    >>> [row.name for row in results.rows]
    ['falling', 'rising']
    >>> definition, value = results.definitions["l1_hole"], results.values["l1_hole"]
    >>> print(f"{definition.title}: {definition.format(value.value)} of {value.pictures} pictures")
    L1 (MAE, RGB), hole [%]: 23.125 of 2 pictures
    >>> truth.cleanup()
"""
