"""The mixture of experts on JAX."""

from jax_run import run_on_jax


def test_experts_on_jax():
    run_on_jax("layers/experts/test_sparse_moe.py", "test_health.py")
