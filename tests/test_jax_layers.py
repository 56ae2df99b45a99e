"""The recurrent layers and their scan on JAX."""

from jax_run import run_on_jax


def test_recurrent_layers_on_jax():
    run_on_jax(
        "layers/recurrent/test_lstm.py",
        "layers/recurrent/test_gru.py",
        "layers/recurrent/test_task.py",
        "kernels/test_recurrence.py",
    )
