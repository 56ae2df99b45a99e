"""The only place that names a backend: recurrences, grouped matmuls, the CRF."""

# On import of Keras come the layers (`zoo._lazy`), which need these modules.
import keras  # noqa: F401
