"""The conformance matrix on JAX."""

from jax_run import run_on_jax


def test_conformance_on_jax():
    run_on_jax("test_conformance.py")
