"""The layers of the zoo; importing them registers each for loading saved models."""

from typing import TYPE_CHECKING

from zoo._lazy import renamed
from zoo.layers.attention import (
    AdditiveAttention,
    MultiplicativeAttention,
    TanhProductAttention,
)
from zoo.layers.branch_mean import BranchMean
from zoo.layers.by_word import ByWord
from zoo.layers.convolution import TextConvolution
from zoo.layers.crf import CRF, CRFLoss
from zoo.layers.experts.sparse_moe import SparseMoE
from zoo.layers.ngrams import NGramBag
from zoo.layers.padding import PaddingMask
from zoo.layers.pairs import PairFeatures, SplitPairs
from zoo.layers.pooling import (
    AttentionPooling,
    LastState,
    MaskedMaxPooling,
    MaskedMeanPooling,
)
from zoo.layers.recurrent.backward import BackwardLSTM
from zoo.layers.recurrent.bidirectional import Bidirectional
from zoo.layers.recurrent.coupled import CoupledLSTM
from zoo.layers.recurrent.factorized import FactorizedLSTM, FactorizedLSTMCell
from zoo.layers.recurrent.group import GroupLSTM, GroupLSTMCell
from zoo.layers.recurrent.gru import GRU, GRUCell
from zoo.layers.recurrent.layer import RecurrentLayer
from zoo.layers.recurrent.lstm import LSTM, LSTMCell
from zoo.layers.recurrent.min_gru import MinGRU, MinGRUCell
from zoo.layers.recurrent.min_lstm import MinLSTM, MinLSTMCell
from zoo.layers.recurrent.qrnn import QRNN, QRNNCell
from zoo.layers.recurrent.sru import SRU, SRUCell
from zoo.layers.recurrent.task_specific import TaskSpecificLSTM
from zoo.layers.softmax import SampledSoftmax, TiedSoftmax
from zoo.layers.stacking import Stacking
from zoo.layers.token_bag import TokenBag
from zoo.layers.windows import JoinWindows, Windows

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
    "GRU",
    "GRUCell",
    "GroupLSTM",
    "GroupLSTMCell",
    "JoinWindows",
    "LSTM",
    "LSTMCell",
    "LastState",
    "MaskedMaxPooling",
    "MaskedMeanPooling",
    "MinGRU",
    "MinGRUCell",
    "MinLSTM",
    "MinLSTMCell",
    "MultiplicativeAttention",
    "NGramBag",
    "PaddingMask",
    "PairFeatures",
    "QRNN",
    "QRNNCell",
    "RecurrentLayer",
    "SRU",
    "SRUCell",
    "SampledSoftmax",
    "SparseMoE",
    "SplitPairs",
    "Stacking",
    "TanhProductAttention",
    "TaskSpecificLSTM",
    "TextConvolution",
    "TiedSoftmax",
    "TokenBag",
    "Windows",
]

if not TYPE_CHECKING:
    __getattr__ = renamed(__name__, {"SharedLSTM": "TaskSpecificLSTM"})
