"""Both directions of a recurrent layer over right-padded sequences."""

from __future__ import annotations

import keras
from keras import ops

from zoo.layers.recurrent.layer import RecurrentLayer

MERGE_MODES = ("concat", "sum", "ave", "mul", None)


@keras.saving.register_keras_serializable(package="zoo")
class Bidirectional(keras.layers.Layer):
    """Runs a copy of a recurrent layer in each direction and joins the two.

        h_t = →h_t ⊕ ←h_t

    The backward copy keeps its initial state until a row's last real token, so padding
    has no effect. Its outputs are in the order of the inputs.

    Args:
        layer: a recurrent layer of the zoo, without `go_backwards`. Its options apply
            to both copies; at masked steps the outputs are the previous states, or
            zeros if the layer has `zero_output_for_mask`.
        merge_mode: `"concat"`, `"sum"`, `"ave"`, `"mul"`, or `None` for a tuple of
            both.

    Call arguments: sequences `[batch, time, features]`; `mask` bool `[batch, time]`;
    `initial_state` the forward states, then the backward ones; `training`.

    Returns:
        `[batch, time, 2 * units]` with the layer's `return_sequences`, else the two
        final states `[batch, 2 * units]`, each after the whole row. With
        `return_state`, a tuple of that and the final states forward and backward.

    Raises:
        ValueError: for a layer that is not a recurrent layer of the zoo or runs
            backwards, and for an unknown `merge_mode`.

    Example:
        >>> from zoo.layers.recurrent.lstm import LSTM
        >>> layer = Bidirectional(LSTM(4, return_sequences=True))
        >>> mask = ops.convert_to_tensor([[True, True, False]])
        >>> tuple(layer(ops.ones((1, 3, 2)), mask=mask).shape)
        (1, 3, 8)

    Source: Graves & Schmidhuber 2005.
    """

    def __init__(
        self, layer: RecurrentLayer, merge_mode: str | None = "concat", **kwargs
    ) -> None:
        if not isinstance(layer, RecurrentLayer) or layer.go_backwards:
            raise ValueError(
                "`layer` must be a recurrent layer of the zoo that runs forwards. "
                f"Received: layer={layer!r}."
            )
        if merge_mode not in MERGE_MODES:
            raise ValueError(
                f"`merge_mode` must be one of {', '.join(map(repr, MERGE_MODES))}. "
                f"Received: merge_mode={merge_mode!r}."
            )
        kwargs.setdefault("dtype", layer.dtype_policy)
        super().__init__(**kwargs)
        self.merge_mode = merge_mode
        config = layer.get_config()
        self.forward_layer = type(layer).from_config(
            {**config, "name": f"forward_{layer.name}"}
        )
        self.backward_layer = type(layer).from_config(
            {**config, "name": f"backward_{layer.name}", "go_backwards": True}
        )
        self.backward_layer.in_input_order = True
        self.return_sequences = layer.return_sequences
        self.return_state, self.stateful = layer.return_state, layer.stateful
        self.supports_masking = True
        self.input_spec = layer.input_spec

    def build(self, sequences_shape, initial_state_shape=None) -> None:
        self.forward_layer.build(sequences_shape)
        self.backward_layer.build(sequences_shape)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        first = second = None
        if initial_state is not None:
            half = len(initial_state) // 2
            first, second = list(initial_state[:half]), list(initial_state[half:])
        options = {"mask": mask, "training": training}
        forward = self.forward_layer(sequences, initial_state=first, **options)
        backward = self.backward_layer(sequences, initial_state=second, **options)
        states = ()
        if self.return_state:
            states = (*forward[1:], *backward[1:])
            forward, backward = forward[0], backward[0]
        output = self._merge(forward, backward)
        return (output, *states) if states else output

    def _merge(self, forward, backward):
        if self.merge_mode == "concat":
            return ops.concatenate([forward, backward], axis=-1)
        if self.merge_mode == "mul":
            return forward * backward
        if self.merge_mode is None:
            return forward, backward
        return (forward + backward) / (2 if self.merge_mode == "ave" else 1)

    def compute_mask(self, sequences, mask=None):
        if isinstance(mask, (list, tuple)):
            mask = mask[0]
        output = mask if self.return_sequences else None
        if self.merge_mode is None:
            output = [output, output]
        states = 2 * len(self.forward_layer.state_size)
        return [output, *[None] * states] if self.return_state else output

    def reset_state(self) -> None:
        """Sets the states of a stateful layer to zero."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def get_config(self) -> dict:
        layer = self.forward_layer
        config = {**layer.get_config(), "name": layer.name.removeprefix("forward_")}
        layer = keras.saving.serialize_keras_object(type(layer).from_config(config))
        return {**super().get_config(), "layer": layer, "merge_mode": self.merge_mode}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        layer = keras.saving.deserialize_keras_object(config.pop("layer"))
        return cls(layer, **config)
