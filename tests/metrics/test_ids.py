import sys

import numpy as np
import pytest

from edgeconnect_jax.metrics.ids import check_available, inception_discriminative_score


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_equals_scikit_learns_machine(rng, shift):
    from sklearn import svm

    real = rng.standard_normal((60, 8)).astype(np.float32)
    fake = (real + rng.standard_normal((60, 8)) + shift).astype(np.float32)
    labels = np.array([1] * 60 + [0] * 60)
    machine = svm.LinearSVC(dual=False).fit(np.concatenate([real, fake]), labels)
    judged = machine.decision_function(np.concatenate([real, fake]))
    misjudged = np.count_nonzero((judged > 0) != labels)
    score = inception_discriminative_score(real, fake)
    assert score.p_ids == np.mean(judged[60:] > judged[:60])
    assert score.u_ids == pytest.approx(misjudged / 120, rel=1e-12)
    assert 0 < score.p_ids < 0.5 and 0 < score.u_ids < 0.5


def test_pictures_that_are_told_apart_score_nothing(rng):
    real = rng.standard_normal((20, 4))
    assert inception_discriminative_score(real, real + 100) == (0, 0)


def test_unequal_sets_are_refused(rng):
    for real, fake in ((3, 4), (0, 0)):
        with pytest.raises(ValueError, match=rf"\({real}, 5\) and \({fake}, 5\)"):
            inception_discriminative_score(np.zeros((real, 5)), np.zeros((fake, 5)))


def test_scikit_learn_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.svm", None)
    with pytest.raises(ModuleNotFoundError, match=r"install it with pip install -e '\.\[eval\]'"):
        check_available()
