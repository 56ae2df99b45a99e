"""Settings of taggers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from zoo.models._search_space import Choice, Float, Int, Range
from zoo.training.settings import Checked


@dataclass(frozen=True)
class TaggingSettings(Checked):
    """How a tagger is trained.

    `TaggingSettings.of(model)` starts from the defaults of the model.

    Args:
        seed: seed of the weights, the order of the sentences, the rare words and the
            dropout.
        epochs: maximum number.
        patience: epochs without a better validation score before training stops.
        batch_size: sentences per step.
        optimizer: name of a Keras optimizer.
        learning_rate: its step size.
        average: epochs spanned by the moving average of the weights that is validated
            and kept, or none.
        loss_weights: factor of each task in the loss, 1 by default; or
            `"uncertainty"`, which learns them (Kendall et al. 2018).
        imbalance: what to do for rare tags and labels: `"none"`; `"weights"`, with
            which all of a task have the same total weight; `"focal"`, the focal loss of
            Lin et al. 2017; or `"oversample"`, which draws sentences with rare ones
            more often, the only one for a CRF.
        scheme: one of `zoo.data.tag_schemes.SCHEMES`, to which the tags are converted
            before training; `""` for that of the data.
        tokenizer: of raw texts, `"unicode"` or `"whitespace"`.
        vocab_size: maximum size of the vocabulary of words: those of training, then
            those that have a vector in `weights`.
        lowercase: whether to fold case before a word is looked up.
        min_count: words seen less often are unknown.
        weights: shipped word vectors to start the embedding from: `"english"`,
            `"glove-en"`, `"none"`, or `"auto"`, which takes `glove-en` if it covers
            most training words (`zoo.families.pretrained.choose_start`) and
            `embedding_dim` was not set to another width. A word that has a vector needs
            no `min_count`. Or the folder of a trained model of the same name to
            continue from.
        vectors: word2vec or GloVe text file to start the embedding from.
        replace_rare: share of the words seen once that are replaced by the unknown
            word in training, drawn again each epoch (Lample et al. 2016, section 4.1
            and its code), or none.
        max_letters: characters read per word.
        buckets: padded lengths.
        jit_compile: whether to compile the training step with XLA.
    """

    seed: int = 0
    epochs: int = 30
    patience: int = 5
    batch_size: int = 16
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    average: float | None = None
    loss_weights: Mapping[str, float] | str = field(default_factory=dict)
    imbalance: str = "none"
    scheme: str = ""
    tokenizer: str = "unicode"
    vocab_size: int = 50000
    lowercase: bool = True
    min_count: int = 1
    weights: str = "auto"
    vectors: str = ""
    replace_rare: float | None = 0.5
    max_letters: int = 24
    buckets: int = 8
    jit_compile: bool = False

    space: ClassVar[Mapping[str, Range]] = {
        "learning_rate": Float(3e-4, 5e-3, log=True),
        "batch_size": Int(8, 32, factor=2),
        "average": Choice(None, 0.5, 1.0),
        "scheme": Choice("", "BIOES"),
        "lowercase": Choice(True, False),
        "min_count": Int(1, 3),
        "replace_rare": Choice(None, 0.25, 0.5),
        "max_letters": Choice(12, 24),
    }
    kept: ClassVar[tuple[str, ...]] = ("tokenizer", "lowercase")
    inherited: ClassVar[tuple[str, ...]] = (
        "scheme",
        "vocab_size",
        "min_count",
        "max_letters",
    )
