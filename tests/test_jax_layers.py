"""The recurrent layers and their scan on JAX."""

from jax_run import run_on_jax


def test_recurrent_layers_on_jax():
    run_on_jax("test_lstm.py", "test_multitask_lstm.py", "test_recurrence.py")
