"""Linear-chain conditional random field: the layer, and the loss that trains it."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from zoo.layers.crf_functions import (
    crf_decode,
    crf_log_likelihood,
    crf_log_norm,
    crf_marginals,
)
from zoo.layers.padding import ConsumesMask

__all__ = [
    "CRF",
    "CRFLoss",
    "crf_decode",
    "crf_log_likelihood",
    "crf_log_norm",
    "crf_marginals",
]

FORBIDDEN = -1e9  # far below any sum of scores, far above the float32 minimum


@keras.saving.register_keras_serializable(package="zoo")
class CRF(ConsumesMask):
    """A linear-chain CRF on top of the emissions of a network.

    Without tags it returns the logits of a model that is saved and served; with tags,
    the loss of a second model on the same layers, which is trained by plain `compile`
    and `fit`. As labels are an input, sample weights, further tasks, XLA and both
    backends work as for any model, and nothing else is overridden:

        emissions = keras.layers.Dense(9)(states)
        crf = CRF(9)
        model = keras.Model(tokens, crf(emissions, mask=mask))
        trained = keras.Model([tokens, tags], crf(emissions, tags, mask=mask))
        trained.compile("adam", loss=CRFLoss())
        trained.fit([x, y], y)                          # y int [texts, time]
        tags, score = crf.decode(model(x), mask)

    All arithmetic is in float32 under every dtype policy. Forbidden transitions score
    -1e9, so `decode` never picks one while a permitted path exists; a given path that
    breaks a constraint has a log-likelihood near -1e9 and finite gradients.

    Args:
        tags: number of tags.
        use_boundary: whether to learn scores of the first and the last tag as well.
        allowed_transitions: bool `[tags, tags]`, from row to column; all by default.
        allowed_starts: bool `[tags]`, which may come first; all by default.
        allowed_ends: bool `[tags]`, which may come last; all by default.
        transition_initializer, transition_regularizer: as in keras.

    Call arguments:
        emissions: `[batch, time, tags]`.
        tag_ids: int `[batch, time]`, or `None` for the logits.
        mask: bool `[batch, time]`, true at tokens, of right-padded rows.

    Returns:
        Without `tag_ids` the logits: the unchanged emissions, float32 `[batch, time,
        tags]`, for `decode`, `marginals` and `log_likelihood`. With them the
        negative log-likelihood in nats, float32 `[batch]`.

    Raises:
        ValueError: for `tags` that is not positive, for constraints of another shape,
            or emissions of another width.

    Example:
        >>> import numpy as np
        >>> crf = CRF(2, allowed_transitions=[[True, False], [True, True]])
        >>> logits = crf(np.array([[[3.0, 0.0], [0.0, 2.0]]], "float32"))
        >>> ops.convert_to_numpy(crf.decode(logits)[0]).tolist()
        [[0, 0]]

    Source: Lample et al. 2016, section 2.2.
    """

    def __init__(
        self,
        tags: int,
        *,
        use_boundary: bool = False,
        allowed_transitions=None,
        allowed_starts=None,
        allowed_ends=None,
        transition_initializer="zeros",
        transition_regularizer=None,
        **keywords,
    ) -> None:
        # The emissions must stay float32 under mixed precision.
        super().__init__(autocast=False, **keywords)
        if tags < 1:
            raise ValueError(f"`tags` must be positive. Received: tags={tags!r}.")
        self.tags = tags
        self.use_boundary = use_boundary
        self.transition_initializer = keras.initializers.get(transition_initializer)
        self.transition_regularizer = keras.regularizers.get(transition_regularizer)
        constraints = {
            "allowed_transitions": (allowed_transitions, (tags, tags)),
            "allowed_starts": (allowed_starts, (tags,)),
            "allowed_ends": (allowed_ends, (tags,)),
        }
        self._allowed = {
            name: _constraint(name, value, shape)
            for name, (value, shape) in constraints.items()
        }

    def build(self, emissions_shape, *_) -> None:
        if emissions_shape[-1] != self.tags:
            raise ValueError(
                "`emissions` must have one score per tag. Accepted: [batch, time, "
                f"{self.tags}]. Received: {tuple(emissions_shape)}."
            )
        options = {"dtype": "float32", "autocast": False}
        self.transitions = self.add_weight(
            name="transitions",
            shape=(self.tags, self.tags),
            initializer=self.transition_initializer,
            regularizer=self.transition_regularizer,
            **options,
        )
        self.start = self.end = None
        if self.use_boundary:
            self.start = self.add_weight((self.tags,), "zeros", name="start", **options)
            self.end = self.add_weight((self.tags,), "zeros", name="end", **options)

    def call(self, emissions, tag_ids=None, mask=None):
        if tag_ids is None:
            return ops.cast(emissions, "float32")
        return -self.log_likelihood(emissions, tag_ids, mask)

    def log_likelihood(self, emissions, tag_ids, mask=None):
        """Returns the log-probability of the paths `tag_ids`, `[batch]`."""
        transitions, boundary = self._scores(emissions)
        return crf_log_likelihood(emissions, tag_ids, transitions, mask, **boundary)

    def log_norm(self, emissions, mask=None):
        """Returns the logarithm of the sum over all paths, `[batch]`."""
        transitions, boundary = self._scores(emissions)
        return crf_log_norm(emissions, transitions, mask, **boundary)

    def decode(self, emissions, mask=None):
        """Returns the best path, int32 `[batch, time]`, and its score."""
        transitions, boundary = self._scores(emissions)
        return crf_decode(emissions, transitions, mask, **boundary)

    def marginals(self, emissions, mask=None):
        """Returns the probabilities `[batch, time, tags]`; see `crf_marginals`."""
        transitions, boundary = self._scores(emissions)
        return crf_marginals(emissions, transitions, mask, **boundary)

    def _scores(self, emissions):
        """Returns transitions, and a dict of start and end, with the constraints."""
        if not self.built:
            self.build(tuple(emissions.shape))
        given = (self.transitions, self.start, self.end)
        transitions, start, end = (
            _forbid(scores, allowed)
            for scores, allowed in zip(given, self._allowed.values())
        )
        return transitions, {"start": start, "end": end}

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "tags": self.tags,
            "use_boundary": self.use_boundary,
            **{
                name: None if allowed is None else allowed.tolist()
                for name, allowed in self._allowed.items()
            },
            "transition_initializer": keras.initializers.serialize(
                self.transition_initializer
            ),
            "transition_regularizer": keras.regularizers.serialize(
                self.transition_regularizer
            ),
        }


@keras.saving.register_keras_serializable(package="zoo")
class CRFLoss(keras.losses.Loss):
    """The loss of a model whose output is the loss: `CRF` called with tags.

    It has no weights and ignores the target; sample weights `[batch]` apply, and a row
    of weight 0 is excluded from the mean.

    Example:
        >>> import numpy as np
        >>> float(CRFLoss()(np.zeros((2, 3)), np.array([1.0, 3.0])))
        2.0
    """

    def __init__(
        self, reduction="mean_with_sample_weight", name="crf_loss", **keywords
    ) -> None:
        super().__init__(name=name, reduction=reduction, **keywords)

    def call(self, y_true, y_pred):
        return y_pred


def _constraint(name: str, allowed, shape: tuple[int, ...]):
    """Returns a bool array of the shape, or `None`."""
    if allowed is None:
        return None
    array = np.asarray(allowed)
    if array.shape != shape or array.dtype != bool:
        raise ValueError(
            f"`{name}` must hold one bool per tag or pair of tags. Accepted: bool "
            f"{shape}. Received: {array.dtype} {array.shape}."
        )
    return array


def _forbid(scores, allowed):
    """Returns the scores with forbidden ones set to `FORBIDDEN`, or `None`."""
    if scores is not None:
        scores = ops.convert_to_tensor(scores)
    if allowed is None:
        return scores
    allowed = ops.convert_to_tensor(allowed)
    return ops.where(allowed, 0.0 if scores is None else scores, FORBIDDEN)
