"""Settings of sentence encoders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from zoo.models._search_space import Choice, Float, Int, Range
from zoo.training.settings import Checked


@dataclass(frozen=True)
class EncodingSettings(Checked):
    """How a sentence encoder learns the vectors of a teacher.

    `EncodingSettings.of(model)` starts from the defaults of the model.

    Args:
        seed: seed of the weights, the order of the texts and the dropout.
        epochs: maximum number; the step size falls to zero over all of them, as a
            cosine.
        patience: epochs without a higher cosine on the validation part before training
            stops.
        batch_size: texts per step, whose similarities to each other are learnt too.
        optimizer: name of a Keras optimizer.
        learning_rate: its step size at the start.
        similarities: factor of the loss of the similarities within a batch.
        label_weight: factor of the losses of all labels together, where the data have
            labels; 0 ignores these.
        token_weight: factor of the loss of the teacher's vectors of tokens; for a
            recurrent encoder.
        neighbour_weight: factor of the loss of the predicted neighbours of words; for a
            recurrent encoder.
        teacher: path of the teacher, an ONNX file.
        teacher_tokenizer: path of its `tokenizer.json`; by default the one beside it.
        teacher_length: tokens that the teacher reads of a text.
        start: whether the word vectors start from the teacher's vectors of single
            words.
        tokenizer: `"unicode"`, `"whitespace"`, `"wordpiece"` or `"bytes"`.
        vocab_size: maximum size of the vocabulary.
        subwords: how many entries may be pieces, from which words outside the
            vocabulary are composed; for the tokenizer `"unicode"`.
        lowercase: whether to fold case.
        min_count: tokens seen less often are not entries.
        max_length: tokens read per text.
        buckets: padded lengths of batches.
        jit_compile: whether to compile the training step with XLA.
    """

    seed: int = 0
    epochs: int = 5
    patience: int = 2
    batch_size: int = 256
    optimizer: str = "adam"
    learning_rate: float = 2e-3
    similarities: float = 1.0
    label_weight: float = 0.3
    token_weight: float = 0.0
    neighbour_weight: float = 0.0
    teacher: str = ""
    teacher_tokenizer: str = ""
    teacher_length: int = 128
    start: bool = True
    tokenizer: str = "unicode"
    vocab_size: int = 40000
    subwords: int = 4000
    lowercase: bool = True
    min_count: int = 2
    max_length: int = 256
    buckets: int = 5
    jit_compile: bool = False

    space: ClassVar[Mapping[str, Range]] = {
        "learning_rate": Float(5e-4, 5e-3, log=True),
        "batch_size": Int(64, 512, factor=2),
        "similarities": Float(0.3, 10.0, log=True),
        "label_weight": Float(0.03, 3.0, log=True),
        "start": Choice(True, False),
        "vocab_size": Int(10000, 40000, factor=2),
        "lowercase": Choice(True, False),
        "min_count": Int(1, 3),
        "max_length": Int(64, 256, factor=2),
    }
    unsearchable: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("teacher", "teacher_tokenizer", "teacher_length"),
        "similarities to different teachers cannot be compared",
    )
