"""Settings of language models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from zoo.models._search_space import Choice, Int, Range
from zoo.training.settings import WHOLE_WORDS, Checked


@dataclass(frozen=True)
class LanguageSettings(Checked):
    """How a language model is trained.

    `LanguageSettings.of(model)` starts from the defaults of the model.

    Args:
        seed: seed of the weights, the candidates and the dropout.
        epochs: maximum number.
        patience: epochs without a lower validation perplexity before training stops.
        batch_size: number of parallel streams.
        window: steps of truncated backpropagation.
        optimizer: name of a Keras optimizer; Adagrad's accumulators start at 1.0.
        learning_rate: its step size.
        clip: bound on the global norm of the gradient of the loss summed over the
            window and averaged over the streams.
        decay: factor of the step size per epoch ...
        decay_after: ... after this many epochs.
        warmup: steps in which the step size rises; then it falls with the square root
            of the step, and `decay` is ignored. 0 for none.
        average: epochs spanned by the moving average of the weights that is validated
            and kept, or none.
        validations: evenly spaced validations per epoch; plots show all, the last one
            decides which weights are kept and when training stops.
        minutes: time limit including validation, even within an epoch; or none.
        tokenizer: `"unicode"`, `"whitespace"`, `"wordpiece"` or `"bytes"`.
        vocab_size: maximum size of the vocabulary.
        lowercase: whether to fold case.
        min_count: tokens seen less often are unknown.
        weights: shipped word vectors to start the embedding from: `"english"` or
            `"glove-en"`, which make it 256 or 100 wide; `"none"`, the default, because
            the effect on perplexity was not measured; or `"auto"`, which takes
            `glove-en` if it covers most training words
            (`zoo.families.pretrained.choose_start`) and the embedding of the model is
            100 wide without it. The vocabulary is the same with and without them, so
            that perplexities can be compared. Or the folder of a trained model of the
            same name to continue from, whose words stay in the vocabulary.
        jit_compile: whether to compile the training step with XLA.
    """

    seed: int = 0
    epochs: int = 13
    patience: int = 3
    batch_size: int = 20
    window: int = 20
    optimizer: str = "sgd"
    learning_rate: float = 1.0
    clip: float = 5.0
    decay: float = 0.5
    decay_after: int = 4
    warmup: int = 0
    average: float | None = None
    validations: int = 1
    minutes: float | None = None
    tokenizer: str = "unicode"
    vocab_size: int = 10000
    lowercase: bool = True
    min_count: int = 2
    weights: str = "none"
    jit_compile: bool = False

    # The best step size depends on the optimizer, so each model has its own range.
    space: ClassVar[Mapping[str, Range]] = {
        "batch_size": Int(10, 80, factor=2),
        "window": Choice(20, 35, 70),
        "decay": Choice(0.5, 0.7, 0.85, 1.0),
        "decay_after": Int(2, 8, step=2),
        "average": Choice(None, 0.5, 1.0),
    }
    unsearchable: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("tokenizer", "vocab_size", "lowercase", "min_count"),
        "perplexities of different vocabularies cannot be compared",
    )
    keeps_width: ClassVar[bool] = True
    kept: ClassVar[tuple[str, ...]] = ("tokenizer", "lowercase")
    inherited: ClassVar[tuple[str, ...]] = ("vocab_size", "min_count")

    def obstacle(self, arguments: Mapping) -> tuple[str, str, str] | None:
        if self.tokenizer not in WHOLE_WORDS:
            accepted = " or ".join(f"tokenizer={name}" for name in WHOLE_WORDS)
            return "tokens that are words", accepted, f"tokenizer={self.tokenizer!r}"
        if arguments.get("tied"):
            need = "an embedding that does not share the weights of the softmax"
            return need, "tied=false", "tied=True"
        return None
