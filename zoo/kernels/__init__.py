"""The only place that names a backend: recurrences, grouped matmuls, the CRF."""

# Behind Keras come the layers (`zoo._lazy`), which import these modules whole.
import keras  # noqa: F401
