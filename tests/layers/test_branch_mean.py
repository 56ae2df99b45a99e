"""Two branches that train apart."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.layers import BranchMean

A, B = np.full((1000, 3), 2.0, "float32"), np.full((1000, 3), -1.0, "float32")


def run(layer, **options):
    return ops.convert_to_numpy(layer(A, B, **options))


def test_the_weighted_mean_at_inference():
    np.testing.assert_allclose(run(BranchMean(0.5, 0.25)), 0.75 * A + 0.25 * B)
    trained = run(BranchMean(None, 0.25), training=True)
    np.testing.assert_allclose(trained, 0.75 * A + 0.25 * B)


def test_one_branch_a_row_in_training():
    y = run(BranchMean(0.3, seed=1), training=True)
    assert set(np.unique(y)) == {2.0, -1.0}
    assert (y == y[:, :1]).all()
    assert (y[:, 0] == -1).mean() == pytest.approx(0.3, abs=0.05)


def test_what_a_row_leaves_out_cannot_spoil_it():
    y = ops.convert_to_numpy(
        BranchMean(0.5, seed=1)(A, np.full_like(B, np.nan), training=True)
    )
    assert set(np.unique(y[~np.isnan(y)])) == {2.0}


def test_config_and_bad_arguments():
    layer = BranchMean(0.2, 0.9, seed=4)
    assert BranchMean.from_config(layer.get_config()).get_config() == layer.get_config()
    for options in ({"rate": 0.0}, {"rate": 1.0}, {"weight": 1.5}):
        with pytest.raises(ValueError, match="Received: "):
            BranchMean(**options)
    assert keras.saving.get_registered_object("zoo>BranchMean") is BranchMean
