"""Every test here runs op by op on JAX, which otherwise compiles each loop anew."""

from gradients import quick  # noqa: F401
