"""Memory and compiled programs stay bounded, however long an Inpainter is used."""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[3]
CALLS, WARM, CACHE = 2000, 200, 3

# In a process of its own, since others' memory would hide its growth. Every 25 calls (later every 100) another size
# takes the place of an older one, of eight that the cache does not hold at once.
SCRIPT = f"""
import json, os
import jax
import numpy as np
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter
from tests.systems.edgeconnect.weights import weights
from tests.synthetic import picture

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def kinds(number):
    image, mask = picture(number, 16 + 4 * number, 32 - 4 * (number % 3))
    wide = image.astype(np.uint16) * 257
    return [(image, mask), (image[..., 0], mask > 0), (np.concatenate([wide, wide[..., :1]], -1), mask)]

fill = Inpainter(weights(), cache_size={CACHE})
pictures = [kinds(number) for number in range(8)]
memory, programs, held = [], [], []
for call in range({CALLS}):
    step = call // 25 if call < {WARM} else call // 100
    image, edges = fill(*pictures[(step + call % 2) % 8][call % 3])
    assert np.isfinite(edges).all()
    if call in ({WARM} - 1, {CALLS} - 1):
        memory.append(resident())
        programs.append(len(jax.devices()[0].client.live_executables()))
    held.append(fill._run._program.cache_info().currsize)
made = fill._run._program.cache_info().misses
print(json.dumps({{"memory": memory, "programs": programs, "held": max(held), "made": made}}))
"""


def test_two_thousand_calls_on_mixed_sizes() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["made"] > 2 * 8 and found["held"] == CACHE
    assert found["programs"][1] <= found["programs"][0]
    assert found["memory"][1] < 1.05 * found["memory"][0], found
