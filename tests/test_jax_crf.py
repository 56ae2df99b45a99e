"""The conditional random field on JAX."""

from jax_run import run_on_jax


def test_crf_on_jax():
    run_on_jax("layers/test_crf.py")
