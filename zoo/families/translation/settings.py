"""Settings of translation models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from zoo.models._search_space import Choice, Float, Int, Range
from zoo.training.settings import Checked


@dataclass(frozen=True)
class TranslationSettings(Checked):
    """How a translation model is trained.

    `TranslationSettings.of(model)` starts from the defaults of the model.

    Args:
        seed: seed of the weights, the order of the pairs and the dropout.
        epochs: maximum number.
        patience: epochs without a lower validation perplexity before training stops.
        batch_tokens: maximum number of source tokens, and of target tokens, in a batch,
            padding included.
        buckets: number of padded lengths, which limits the shapes of batches for JAX;
            or none, which pads each batch to its longest pair.
        optimizer: name of a Keras optimizer.
        learning_rate: its largest step size.
        clip: bound on the global norm of the gradient.
        warmup: steps in which the step size rises ...
        hold: ... and steps in which it then stays constant; then it falls with the
            square root of the step. Without `warmup` it is always constant.
        label_smoothing: share of the probability that is spread evenly over all ids.
        average: epochs spanned by the moving average of the weights that is validated
            and kept, or none.
        tokenizer: `"wordpiece"`, or `"whitespace"` for texts that are already
            tokenized.
        vocab_size: maximum size of each vocabulary.
        shared_vocabulary: whether source and target share vocabulary and embedding.
        lowercase: whether to lower the case of both.
        min_count: rarer words are not used to learn the vocabulary.
        weights: shipped word vectors to start the embedding of the source from, and
            that of the target if they cover it and it is not tied to the softmax:
            `"english"` or `"glove-en"`, which make both 256 or 100 wide; `"none"`, the
            default, because the effect on BLEU was not measured; or `"auto"`, which
            takes `glove-en` if it covers most source words
            (`zoo.families.pretrained.choose_start`) and the embedding of the model is
            100 wide without it. They need whole words (`tokenizer="whitespace"`) and
            two vocabularies; their words fill up that of the source.
        max_length: maximum number of pieces of a training source or target; the report
            states how many pairs were cut.
        max_source: maximum number of pieces read from a source when translating.
        beam: number of hypotheses of the search.
        length_penalty: that of the search, the α of GNMT.
    """

    seed: int = 0
    epochs: int = 20
    patience: int = 4
    batch_tokens: int = 2048
    buckets: int | None = None
    optimizer: str = "adam"
    learning_rate: float = 2e-3
    clip: float = 1.0
    warmup: int = 500
    hold: int = 2000
    label_smoothing: float = 0.1
    average: float | None = 0.5
    tokenizer: str = "wordpiece"
    vocab_size: int = 8000
    shared_vocabulary: bool = True
    lowercase: bool = False
    min_count: int = 1
    weights: str = "none"
    max_length: int = 100
    max_source: int = 2048
    beam: int = 5
    length_penalty: float = 1.0

    space: ClassVar[Mapping[str, Range]] = {
        "learning_rate": Float(5e-4, 5e-3, log=True),
        "batch_tokens": Int(1024, 8192, factor=2),
        "warmup": Choice(100, 250, 500, 1000),
        "label_smoothing": Choice(0.0, 0.1, 0.2),
        "average": Choice(None, 0.5, 1.0),
        "vocab_size": Int(2000, 16000, factor=2),
        "shared_vocabulary": Choice(True, False),
        "length_penalty": Choice(0.0, 0.6, 1.0, 1.4),
    }
    keeps_width: ClassVar[bool] = True

    def obstacle(self, arguments: Mapping) -> tuple[str, str, str] | None:
        if self.tokenizer != "whitespace":
            need, accepted = "tokens that are words", "tokenizer=whitespace"
            return need, accepted, f"tokenizer={self.tokenizer!r}"
        if self.shared_vocabulary:
            need = "a vocabulary of the source alone"
            return need, "shared_vocabulary=false", "shared_vocabulary=True"
        return None
