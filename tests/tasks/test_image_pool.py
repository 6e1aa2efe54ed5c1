import jax
import jax.numpy as jnp
import numpy as np

from edgeconnect_jax.tasks import image_pool


def keys(seed, count):
    return jax.random.split(jax.random.PRNGKey(seed), count)


def numbered(first, count):
    """Pictures of one pixel whose value is their number."""
    return jnp.arange(first, first + count, dtype=jnp.float32).reshape(count, 1, 1, 1)


def test_fills_first_and_returns_what_is_new():
    pool = image_pool.create(3, (1, 1, 1))
    pool, shown = image_pool.exchange(pool, numbered(1, 2), keys(0, 2))
    np.testing.assert_array_equal(shown.ravel(), [1, 2])
    np.testing.assert_array_equal(pool.pictures.ravel(), [1, 2, 0])
    assert pool.count == 2


def test_a_full_pool_exchanges_half_of_the_pictures():
    pool = image_pool.create(10, (1, 1, 1))
    pool, _ = image_pool.exchange(pool, numbered(0, 10), keys(0, 10))
    new = numbered(10, 2000)
    after, shown = jax.jit(image_pool.exchange)(pool, new, keys(1, 2000))
    old = np.asarray(shown != new).ravel()
    assert 0.45 < old.mean() < 0.55
    # Nothing is lost or doubled: what went in is either shown or still there.
    there = np.concatenate([shown.ravel(), after.pictures.ravel()])
    np.testing.assert_array_equal(np.sort(there), np.arange(2010))


def test_no_gradient_flows_back_to_the_generator():
    pool = image_pool.create(2, (1, 1, 1))
    gradient = jax.grad(lambda x: image_pool.exchange(pool, x, keys(0, 2))[1].sum())(numbered(1, 2))
    assert not gradient.any()
