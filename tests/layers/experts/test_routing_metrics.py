"""What the experts get to do: in the logs, in TensorBoard and in the report."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.layers import SparseMoE
from zoo.training.callbacks import ExpertShares, TensorBoard, sparse_layers


def trained(*callbacks, validate: bool, epochs: int = 2):
    """A small model with experts, inside another model, and the logs of its fit."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,))
    inner = keras.Sequential([SparseMoE(5, 2, 4, name="experts")], name="inner")
    model = keras.Model(inputs, keras.layers.Dense(1)(inner(inputs)))
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(40, 6)).astype("float32")
    kept = []
    keeper = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: kept.append(dict(logs))
    )
    model.fit(
        x,
        x[:, :1],
        epochs=epochs,
        batch_size=10,
        verbose=0,
        validation_data=(x, x[:, :1]) if validate else None,
        callbacks=[ExpertShares(), keeper, *callbacks],
    )
    return model, kept


@pytest.mark.slow
@pytest.mark.parametrize("validate", [True, False])
def test_shares_are_those_of_the_training_tokens(validate):
    model, kept = trained(validate=validate)
    [layer] = sparse_layers(model)
    assert layer.name == "experts"
    for logs in kept:
        shares = logs["experts_shares"]
        assert shares.shape == (5,)
        assert shares.sum() == pytest.approx(1.0)
        assert logs["experts_busiest"] == pytest.approx(shares.max())
        # Counts of 40 tokens with two experts each.
        np.testing.assert_allclose(shares * 80, np.round(shares * 80), atol=1e-4)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_tensorboard_gets_scalars_and_histograms(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = TensorBoard(tmp_path)
    trained(board, validate=False)
    board.on_epoch_end(2, {"midway": [], "nll": 1.0})  # pairs are no histogram
    events = EventAccumulator(str(tmp_path)).Reload()
    names = events.Tags()["tensors"]
    assert {"loss", "experts_shares", "experts_max_over_mean"} <= set(names)
    assert "midway" not in names and "nll" in names
    assert [event.step for event in events.Tensors("loss")] == [0, 1]


@pytest.mark.tensorflow
def test_the_heat_map_is_drawn_for_models_with_experts_alone(tmp_path):
    pytest.importorskip("matplotlib")
    from zoo.reporting.plots import write_shares

    history = [{"loss": 1.0, "experts_shares": [0.5, 0.25, 0.25]}] * 3
    assert write_shares([{"loss": 1.0}], tmp_path) == []
    assert write_shares(history, tmp_path) == [("experts.png", "Load of the experts")]
    assert (tmp_path / "experts.png").stat().st_size > 1000
