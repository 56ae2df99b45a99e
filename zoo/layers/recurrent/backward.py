"""An LSTM that reads from the end and returns states in the order of the text."""

from __future__ import annotations

import keras

from zoo.layers.recurrent.lstm import LSTM


@keras.saving.register_keras_serializable(package="zoo")
class BackwardLSTM(LSTM):
    """`LSTM` from the last token to the first, with states in the order of the text.

        ←h_t = LSTM(x_t, ←h_{t+1})

    With `return_sequences`, `LSTM(go_backwards=True)` returns the states in the order
    of computation, as keras does; here state t belongs to token t. Padding keeps the
    initial state, so the first real step is the last token. It is a layer of its own,
    not half of `Bidirectional`, so that a language model can train it.

    Args:
        units: size of the cell.
        projection: size of the projected state and output, or `None`.
        options: those of `LSTM`, except `go_backwards`.

    Call arguments: those of `LSTM`.

    Returns:
        The same as `LSTM`.

    Example:
        >>> y = BackwardLSTM(8, return_sequences=True)(keras.ops.ones((2, 5, 3)))
        >>> tuple(y.shape)
        (2, 5, 8)
    """

    def __init__(self, units: int, projection: int | None = None, **options) -> None:
        super().__init__(units, projection, go_backwards=True, **options)
        self.in_input_order = True

    def get_config(self) -> dict:
        config = super().get_config()
        del config["go_backwards"]
        return config
