"""The loss of an encoder: its vectors, and their similarities within a batch."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class TeacherLoss(keras.losses.Loss):
    """Distance to the teacher's vectors, for each text of a batch of `n`.

        L_i = 1 - y_i · t_i + f / n Σ_j (y_i · y_j - t_i · t_j)²

    Args:
        similarities: the factor `f`.

    Call arguments:
        y_true: the teacher's vectors `t`, `[batch, width]`, of length 1.
        y_pred: the encoder's vectors `y`, `[batch, width]`, of length 1.

    Returns:
        The mean of `L` over the batch.

    Source: Reimers and Gurevych 2020 for learning the vectors of a teacher; Park et al.
    2019, Relational Knowledge Distillation, for those of pairs.

    Example:
        >>> vectors = ops.convert_to_tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> float(TeacherLoss()(vectors, vectors))
        0.0
        >>> float(TeacherLoss()(vectors, vectors[::-1]))
        1.0
    """

    def __init__(self, similarities: float = 1.0, name: str = "teacher", **keywords):
        super().__init__(name=name, **keywords)
        self.similarities = similarities

    def call(self, y_true, y_pred):
        cosine = ops.sum(y_true * y_pred, axis=-1)
        own = ops.matmul(y_pred, ops.transpose(y_pred))
        expected = ops.matmul(y_true, ops.transpose(y_true))
        pairs = ops.mean(ops.square(own - expected), axis=-1)
        return 1.0 - cosine + self.similarities * pairs

    def get_config(self) -> dict:
        return {**super().get_config(), "similarities": self.similarities}
