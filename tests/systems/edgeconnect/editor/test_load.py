"""Many requests at once: none is mixed up with another, and their pictures are released."""

import gc
import random
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from edgeconnect_jax.serving import pictures
from edgeconnect_jax.systems.edgeconnect.editor import steps
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter
from tests.serving.services import SETTINGS, array_of, example, png, until
from tests.systems.edgeconnect.weights import weights

SIZES = ((32, 40), (30, 37), (24, 24))


def test_each_answer_belongs_to_its_request(service):
    both, fill = Inpainter(weights(), steps="edge"), Inpainter(weights(), steps="inpaint")
    asked = []
    for seed in range(12):
        image, hole, form = example(*SIZES[seed % 3], seed=seed)
        lines = steps.to_bytes(both(image, hole).edges)
        asked.append(("/api/edges", form, lines))
        asked.append(("/api/inpaint", form, fill(image, hole, lines).image))
        other = np.where(hole, 255 - lines, lines)
        asked.append(("/api/inpaint", {**form, "lines": png(other)}, fill(image, hole, other).image))
    random.Random(0).shuffle(asked)
    with ThreadPoolExecutor(SETTINGS.queue) as clients:
        answers = list(clients.map(lambda one: service.post(one[0], **one[1]), asked))
    for (path, _, expected), answer in zip(asked, answers, strict=True):
        assert answer.status_code == 200, (path, answer.text)
        np.testing.assert_array_equal(array_of(answer.content), expected)
    assert service.device.taken == 0


def test_pictures_are_released_after_the_answer(service, monkeypatch):
    held, decode, form = [], pictures.picture_of, example()[2]

    def watched(upload):
        found = decode(upload)
        held.append(weakref.ref(found.color))
        return found

    monkeypatch.setattr(pictures, "picture_of", watched)
    for path in ("/api/edges", "/api/inpaint"):
        assert service.post(path, **form).status_code == 200
        assert service.post(path, **form, lines=png(np.zeros((32, 40, 2), np.uint8))).status_code == 400
    assert len(held) == 4

    def gone() -> bool:
        gc.collect()
        return not any(reference() is not None for reference in held)

    until(gone)
