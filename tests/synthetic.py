"""Deterministic pictures made with NumPy alone, for tests that need a picture and a hole of a given size."""

import numpy as np


def picture(seed: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture of `seed` and a mask: uint8 [H, W, 3], uint8 [H, W] with 255 = hole.

    A sky-like gradient, soft noise, ellipses, boxes and stripes, so that Canny finds lines; the hole is a
    box and three thick strokes. The golden arrays in tests/data were computed from these pictures.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    y, x = y / height, x / width
    image = rng.uniform(40, 215, 3) + (y[..., None] - 0.5) * rng.uniform(-120, 120, 3)
    for _ in range(6):  # soft texture
        f, phase = rng.uniform(2, 14, 2), rng.uniform(0, 2 * np.pi)
        image += rng.uniform(2, 10, 3) * np.sin(2 * np.pi * (f[0] * y + f[1] * x) + phase)[..., None]
    for kind in rng.permutation([0, 0, 0, 1, 1, 2, 2, 0, 1]):
        cy, cx, ry, rx = rng.uniform(0, 1, 2).tolist() + rng.uniform(0.06, 0.3, 2).tolist()
        colour = rng.uniform(0, 255, 3)
        if kind == 0:
            inside = ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1
        elif kind == 1:
            inside = (abs(y - cy) < ry) & (abs(x - cx) < rx)
        else:
            angle = rng.uniform(0, np.pi)
            inside = abs((y - cy) * np.cos(angle) + (x - cx) * np.sin(angle)) < 0.02
        image[inside] = 0.3 * image[inside] + 0.7 * colour
    hole = np.zeros((height, width), bool)
    cy, cx = rng.uniform(0.15, 0.6, 2)
    hole |= (y >= cy) & (y < cy + 0.28) & (x >= cx) & (x < cx + 0.28)
    for _ in range(3):
        a, b = rng.uniform(0.05, 0.95, 2), rng.uniform(0.05, 0.95, 2)
        t = np.clip(((y - a[0]) * (b[0] - a[0]) + (x - a[1]) * (b[1] - a[1])) / ((b - a) ** 2).sum(), 0, 1)
        hole |= np.hypot(y - a[0] - t * (b[0] - a[0]), x - a[1] - t * (b[1] - a[1])) < 0.03
    return np.clip(image, 0, 255).round().astype(np.uint8), (hole * 255).astype(np.uint8)
