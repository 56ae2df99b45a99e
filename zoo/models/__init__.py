"""Builders of the registered models; importing this loads no TensorFlow."""

from zoo.models.classifiers import bilstm, flstm, glstm, lstm
from zoo.models.encoders import static_encoder, text_encoder
from zoo.models.language_models import biglstm_lm, flstm_lm, glstm_lm, lstm_lm
from zoo.models.linear import linear
from zoo.models.liu2016 import mt_coupled, mt_shared, mt_uniform
from zoo.models.mixtures import moe_classifier, moe_lm, moe_lm_h, moe_mt
from zoo.models.multitask import bilstm_mt
from zoo.models.taggers import bilstm_crf, bilstm_tagger
from zoo.models.text_cnn import text_cnn
from zoo.models.translation import moe_seq2seq, seq2seq

__all__ = [
    "biglstm_lm",
    "bilstm",
    "bilstm_crf",
    "bilstm_mt",
    "bilstm_tagger",
    "flstm",
    "flstm_lm",
    "glstm",
    "glstm_lm",
    "linear",
    "lstm",
    "lstm_lm",
    "moe_classifier",
    "moe_lm",
    "moe_lm_h",
    "moe_mt",
    "moe_seq2seq",
    "mt_coupled",
    "mt_shared",
    "mt_uniform",
    "seq2seq",
    "static_encoder",
    "text_cnn",
    "text_encoder",
]
