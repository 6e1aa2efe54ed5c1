"""A history of generated pictures for the discriminator (Shrivastava et al. 2017, arXiv 1612.07828).

The history keeps a discriminator from tracking only the generator's newest pictures. Once the pool is full, each
generated picture is exchanged, with probability one half, for a random one from the pool. Each device has its own pool.
"""

import zlib
from typing import NamedTuple

import jax
import jax.numpy as jnp


class ImagePool(NamedTuple):
    """The history of one discriminator on one device.

    Attributes:
        pictures: [N, H, W, C].
        count: int32 [], the number of pictures so far, N at most.
    """

    pictures: jax.Array
    count: jax.Array


def create(size: int, shape: tuple[int, int, int]) -> ImagePool:
    """An empty pool for up to `size` pictures of `shape` (H, W, C)."""
    return ImagePool(jnp.zeros((size, *shape)), jnp.zeros((), jnp.int32))


def exchange(pool: ImagePool, pictures: jax.Array, keys: jax.Array) -> tuple[ImagePool, jax.Array]:
    """Adds `pictures` [B, H, W, C] to the pool one by one and returns as many, new or old, [B, H, W, C].

    Args:
        pool: the history so far.
        pictures: newly generated; no gradient flows through the exchange.
        keys: one random key per picture, [B, 2].
    """

    def one(pool: ImagePool, example: tuple[jax.Array, jax.Array]) -> tuple[ImagePool, jax.Array]:
        picture, key = example
        coin_key, place_key = jax.random.split(key)
        size = pool.pictures.shape[0]
        filling = pool.count < size
        swap = ~filling & jax.random.bernoulli(coin_key)
        place = jnp.where(filling, pool.count, jax.random.randint(place_key, (), 0, size))
        old = pool.pictures[place]
        kept = jnp.where(filling | swap, picture, old)
        returned = jnp.where(swap, old, picture)
        grown = jnp.minimum(pool.count + 1, size)
        return ImagePool(pool.pictures.at[place].set(kept), grown), returned

    return jax.lax.scan(one, pool, (jax.lax.stop_gradient(pictures), keys))


Carry = dict[str, ImagePool]


def create_for(name: str, shape: tuple[int, int, int], size: int) -> Carry:
    """The carried state for discriminator `name` with inputs of `shape`: a pool unless `size` is 0."""
    return {name: create(size, shape)} if size else {}


def shown(name: str, carry: Carry, fake: jax.Array, keys: jax.Array) -> tuple[Carry, jax.Array]:
    """The fake pictures shown to discriminator `name`, without gradient: from its pool if `carry` holds one.

    Returns:
        The carry with the pool after the exchange, and [B, H, W, C] like `fake`.
    """
    if name not in carry:
        return carry, jax.lax.stop_gradient(fake)
    # Each pool uses its own keys so that two pools do not exchange the same examples.
    own = jax.vmap(lambda key: jax.random.fold_in(key, zlib.crc32(name.encode())))(keys)
    pool, pictures = exchange(carry[name], fake, own)
    return {**carry, name: pool}, pictures
