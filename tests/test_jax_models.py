"""The other layers and the models on JAX."""

from jax_run import run_on_jax


def test_models_on_jax():
    run_on_jax(
        "layers/test_attention.py",
        "layers/test_branch_mean.py",
        "layers/test_convolution.py",
        "test_models.py",
        "test_ngrams.py",
        "layers/test_pooling.py",
        "layers/test_softmax.py",
        "test_sequence_loss.py",
    )
