"""The other layers and the models on JAX."""

from jax_run import run_on_jax


def test_models_on_jax():
    run_on_jax(
        "test_attention.py",
        "test_branch_mean.py",
        "test_convolution.py",
        "test_models.py",
        "test_ngrams.py",
        "test_pooling.py",
        "test_sampled_softmax.py",
        "test_sequence_loss.py",
    )
