"""The layers of the zoo; importing them registers each for loading saved models."""

from zoo.layers.attention import (
    AdditiveAttention,
    MultiplicativeAttention,
    TanhProductAttention,
)
from zoo.layers.backward_lstm import BackwardLSTM
from zoo.layers.bidirectional import Bidirectional
from zoo.layers.branch_mean import BranchMean
from zoo.layers.by_word import ByWord
from zoo.layers.convolution import TextConvolution
from zoo.layers.coupled_lstm import CoupledLSTM
from zoo.layers.crf import CRF, CRFLoss
from zoo.layers.factorized_lstm import FactorizedLSTM, FactorizedLSTMCell
from zoo.layers.group_lstm import GroupLSTM, GroupLSTMCell
from zoo.layers.lstm import LSTM, LSTMCell
from zoo.layers.ngrams import NGramBag
from zoo.layers.padding import PaddingMask
from zoo.layers.pooling import (
    AttentionPooling,
    LastState,
    MaskedMaxPooling,
    MaskedMeanPooling,
)
from zoo.layers.recurrent import RecurrentLayer
from zoo.layers.sampled_softmax import SampledSoftmax, TiedSoftmax
from zoo.layers.shared_lstm import SharedLSTM
from zoo.layers.sparse_moe import SparseMoE

__all__ = [
    "CRF",
    "CRFLoss",
    "AdditiveAttention",
    "AttentionPooling",
    "BackwardLSTM",
    "BranchMean",
    "ByWord",
    "Bidirectional",
    "CoupledLSTM",
    "FactorizedLSTM",
    "FactorizedLSTMCell",
    "GroupLSTM",
    "GroupLSTMCell",
    "LSTM",
    "LSTMCell",
    "LastState",
    "MaskedMaxPooling",
    "MaskedMeanPooling",
    "MultiplicativeAttention",
    "NGramBag",
    "PaddingMask",
    "RecurrentLayer",
    "SampledSoftmax",
    "SharedLSTM",
    "SparseMoE",
    "TanhProductAttention",
    "TextConvolution",
    "TiedSoftmax",
]
