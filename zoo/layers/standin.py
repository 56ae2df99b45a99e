"""TEMPORARY until zoo/layers/lstm.py exists."""
import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo_standin")
class StandinLSTM(keras.layers.LSTM):
    def __init__(self, units, peepholes=False, **kw):
        super().__init__(units, **kw)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        y = super().call(sequences, initial_state=initial_state, mask=mask, training=training)
        return ops.flip(y, 1) if self.go_backwards and self.return_sequences else y
