from zoo.layers.bidirectional import Bidirectional
from zoo.layers.convolution import TextConvolution
from zoo.layers.lstm import LSTM, LSTMCell
from zoo.layers.ngrams import NGramBag
from zoo.layers.padding import PaddingMask
from zoo.layers.pooling import (
    AttentionPooling,
    LastState,
    MaskedMaxPooling,
    MaskedMeanPooling,
)
