"""Settings of classifiers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from zoo._lazy import renamed
from zoo.models._search_space import Choice, Float, Int, Range
from zoo.training.settings import Checked


@dataclass(frozen=True)
class ClassificationSettings(Checked):
    """How a classifier is trained.

    `ClassificationSettings.of(model)` starts from the defaults of the model.

    Args:
        seed: seed of the weights, the order of the texts, the sampling and the dropout.
        epochs: maximum number; by default 5 with 20,000 training texts or more, and 200
            or more for each label.
        patience: epochs without a better validation score before training stops.
        batch_size: texts per step.
        least_steps: minimum number of steps of an epoch; an epoch repeats the texts if
            there are fewer.
        optimizer: name of a Keras optimizer.
        learning_rate: its step size.
        average: epochs spanned by the moving average of the weights that is validated
            and kept, such as 0.75, or none: its momentum is 1 - 1 / (average * steps).
        sampling: `"proportional"`, `"uniform"` over tasks, or a temperature >= 1.
        loss_weights: factor of each task in the loss, 1 by default; or
            `"uncertainty"`, which learns them (Kendall et al. 2018).
        class_weights: for each task `"balanced"` or a weight for each label.
        imbalance: what to do for rare labels, in all tasks without `class_weights`:
            `"none"`; `"weights"`, with which all classes of a task have the same total
            weight, or, of a label among several, the rows with and without it;
            `"focal"`, the focal loss of Lin et al. 2017; or `"oversample"`, which draws
            rows with rare labels more often. The linear part of a model has weights for
            oversampling as well, and ignores `"focal"`. With any of them macro F1
            selects the epoch, in place of accuracy or micro F1.
        tokenizer: `"unicode"`, `"whitespace"`, `"wordpiece"` or `"bytes"`.
        vocab_size: maximum size of the vocabulary.
        subwords: how many entries may be pieces, from which words outside the
            vocabulary are composed; for the tokenizer `"unicode"`.
        lowercase: whether to fold case.
        min_count: tokens seen less often are not entries.
        weights: shipped word vectors to start the embedding from: `"english"`,
            `"glove-en"`, `"none"`, or `"auto"`, which takes `glove-en` if it covers
            most training words (`zoo.families.pretrained.choose_start`) and
            `embedding_dim` was not set to another width. A word that has a vector needs
            no `min_count`. With `"auto"` the linear part of a model reads `english`
            (`zoo.families.classification.fitting.linear_vectors`). Or the folder of a
            trained model of the same name to continue from.
        vectors: word2vec or GloVe text file to start the embedding from.
        max_length: tokens read per text.
        buckets: padded lengths of batches, for each of which XLA compiles.
        pretrain_epochs: passes of the language model that initialises the shared
            layers, over the unlabelled and the training texts.
        fine_tune: whether to continue with each task alone after joint training.
        abstain: probability below which the likeliest category is not predicted, or
            none.
        jit_compile: whether to compile the training step with XLA. On a CPU it is
            slower for these models: the gradient of an embedding becomes a loop over
            its rows.
    """

    seed: int = 0
    epochs: int = 10
    patience: int = 2
    batch_size: int = 32
    least_steps: int = 100
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    average: float | None = None
    sampling: str | float = "proportional"
    loss_weights: Mapping[str, float] | str = field(default_factory=dict)
    class_weights: Mapping[str, str | Mapping] = field(default_factory=dict)
    imbalance: str = "none"
    tokenizer: str = "unicode"
    vocab_size: int = 50000
    subwords: int = 4000
    lowercase: bool = True
    min_count: int = 2
    weights: str = "auto"
    vectors: str = ""
    max_length: int = 2048
    buckets: int = 8
    pretrain_epochs: int = 0
    fine_tune: bool = False
    abstain: float | None = None
    jit_compile: bool = False

    space: ClassVar[Mapping[str, Range]] = {
        "learning_rate": Float(3e-4, 5e-3, log=True),
        "batch_size": Int(16, 128, factor=2),
        "average": Choice(None, 0.5, 0.75, 1.0),
        "max_length": Int(256, 2048, factor=2),
        "tokenizer": Choice("unicode", "wordpiece"),
        "vocab_size": Int(12500, 50000, factor=2),
        "lowercase": Choice(True, False),
        "min_count": Int(1, 3),
    }
    kept: ClassVar[tuple[str, ...]] = ("tokenizer", "lowercase")
    inherited: ClassVar[tuple[str, ...]] = (
        "vocab_size",
        "subwords",
        "min_count",
        "max_length",
    )
    of_training: ClassVar[tuple[str, ...]] = (
        "epochs",
        "patience",
        "batch_size",
        "least_steps",
        "optimizer",
        "learning_rate",
        "average",
        "sampling",
        "loss_weights",
        "fine_tune",
        "jit_compile",
    )


if not TYPE_CHECKING:
    __getattr__ = renamed(__name__, {"Settings": "ClassificationSettings"})
