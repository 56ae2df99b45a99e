"""Settings of a training run, with the defaults of each model.

Pure Python: the command line shows them in `--help` without loading TensorFlow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import ClassVar

from zoo.registry import check_keywords, describe
from zoo.space import Choice, Float, Int, Range


def _whole(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_FROM_0 = ("a whole number from 0", lambda value: _whole(value) and value >= 0)
_SHARE = (
    "a number above 0 and at most 1, or none",
    lambda value: (
        value is None or (_whole(value) or isinstance(value, float)) and 0 < value <= 1
    ),
)
_BY_NAME = {
    "seed": _FROM_0,
    "patience": _FROM_0,
    "pretrain_epochs": _FROM_0,
    "decay_after": _FROM_0,
    "warmup": _FROM_0,
    "hold": _FROM_0,
    "replace_rare": _SHARE,
    "label_smoothing": (
        "a number from 0 to below 1",
        lambda value: (_whole(value) or isinstance(value, float)) and 0 <= value < 1,
    ),
    "length_penalty": (
        "a number from 0",
        lambda value: (_whole(value) or isinstance(value, float)) and value >= 0,
    ),
    "abstain": (
        "a probability above 0 and below 1, or none",
        lambda value: value is None or isinstance(value, float) and 0 < value < 1,
    ),
}
_ACCEPTED = {
    "int": ("a whole number from 1", lambda value: _whole(value) and value >= 1),
    "float": (
        "a number above 0",
        lambda value: (_whole(value) or isinstance(value, float)) and value > 0,
    ),
    "float | None": (
        "a number above 0, or none",
        lambda value: (
            value is None or (_whole(value) or isinstance(value, float)) and value > 0
        ),
    ),
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "str": ("a name", lambda value: isinstance(value, str)),
    "str | float": (
        "a name or a number",
        lambda value: _whole(value) or isinstance(value, (str, float)),
    ),
    "Mapping[str, float]": ("a mapping", lambda value: isinstance(value, Mapping)),
    "Mapping[str, str | Mapping]": (
        "a mapping",
        lambda value: isinstance(value, Mapping),
    ),
}


@dataclass(frozen=True)
class _Checked:
    """Checks each value by its field's name or else its type when made.

    `space` is what `zoo tune` searches for every model of the recipe, unless the model
    has a range of its own.
    """

    space: ClassVar[Mapping[str, Range]] = {}

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            accepted, is_accepted = _BY_NAME.get(setting.name, _ACCEPTED[setting.type])
            if not is_accepted(value):
                raise ValueError(
                    f"`{setting.name}` must be {accepted}. "
                    f"Received: {setting.name}={value!r}."
                )

    @classmethod
    def of(cls, model: str, **overrides):
        """The defaults of a registered model, with `overrides`.

        `None` leaves the default, unless it is a value of the setting, as of `average`.

        Raises:
            ValueError: for an unknown model or setting.
        """
        known = {setting.name: setting.type for setting in fields(cls)}
        unknown = sorted(set(overrides) - set(known))
        if unknown:
            raise ValueError(
                f"Settings must be among {', '.join(sorted(known))}. "
                f"Received: {', '.join(unknown)}."
            )
        given = {
            name: value
            for name, value in overrides.items()
            if value is not None or "None" in known[name]
        }
        return cls(**{**describe(model).defaults, **given})

    def to_config(self) -> dict:
        """A JSON-ready dict."""
        return asdict(self)


@dataclass(frozen=True)
class Settings(_Checked):
    """How a model is trained. `Settings.of(model)` starts from the model's defaults.

    Args:
        seed: of the weights, the order of the texts, the sampling and the dropout.
        epochs: at most this many.
        patience: epochs without a better validation score before training stops.
        batch_size: texts a step.
        optimizer: name of a Keras optimizer.
        learning_rate: its step size.
        average: epochs that the moving average of the weights spans which is validated
            and kept, such as 0.75, or none: its momentum is 1 - 1 / (average * steps).
        sampling: `"proportional"`, `"uniform"` over tasks, or a temperature >= 1.
        loss_weights: factor of each task in the loss, 1 where none is given.
        class_weights: for each task `"balanced"` or a weight for each label.
        tokenizer: `"unicode"`, `"whitespace"`, `"wordpiece"` or `"bytes"`.
        vocab_size: most entries of the vocabulary.
        lowercase: whether to fold case.
        min_count: tokens seen less often are unknown.
        vectors: word2vec or GloVe text file whose vectors the embedding starts from.
        max_length: tokens of a text that are read.
        buckets: padded lengths that XLA compiles for.
        pretrain_epochs: passes of the language model that initialises the shared
            layers, over the unlabelled and the training texts.
        fine_tune: after joint training, goes on with each task alone.
        abstain: probability below which the likeliest category is not said, or none.
        jit_compile: compile the training step with XLA. On a CPU it is slower for these
            models: the gradient of an embedding becomes a loop over its rows.
    """

    seed: int = 0
    epochs: int = 10
    patience: int = 2
    batch_size: int = 32
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    average: float | None = None
    sampling: str | float = "proportional"
    loss_weights: Mapping[str, float] = field(default_factory=dict)
    class_weights: Mapping[str, str | Mapping] = field(default_factory=dict)
    tokenizer: str = "unicode"
    vocab_size: int = 20000
    lowercase: bool = True
    min_count: int = 2
    vectors: str = ""
    max_length: int = 256
    buckets: int = 5
    pretrain_epochs: int = 0
    fine_tune: bool = False
    abstain: float | None = None
    jit_compile: bool = False

    space: ClassVar[Mapping[str, Range]] = {
        "learning_rate": Float(3e-4, 5e-3, log=True),
        "batch_size": Int(16, 128, factor=2),
        "average": Choice(None, 0.5, 0.75, 1.0),
        "max_length": Int(64, 256, factor=2),
        "tokenizer": Choice("unicode", "wordpiece"),
        "vocab_size": Int(5000, 40000, factor=2),
        "lowercase": Choice(True, False),
        "min_count": Int(1, 3),
    }


@dataclass(frozen=True)
class LanguageSettings(_Checked):
    """How a language model is trained. `LanguageSettings.of(model)` starts from the
    model's defaults.

    Args:
        seed: of the weights, the candidates and the dropout.
        epochs: at most this many.
        patience: epochs without a lower validation perplexity before training stops.
        batch_size: streams that are read side by side.
        window: steps of a truncated backpropagation.
        optimizer: name of a Keras optimizer; Adagrad's accumulators start at 1.0.
        learning_rate: its step size.
        clip: bound on the global norm of the gradient of the loss summed over the
            window and averaged over the streams.
        decay: factor of the step size each epoch ...
        decay_after: ... behind this many epochs.
        warmup: steps in which the step size rises; behind them it falls with the root
            of the step, whatever `decay` says. 0 for none.
        average: epochs that the moving average of the weights spans which is validated
            and kept, or none.
        minutes: stops after so many minutes, with those of validation, and within an
            epoch if need be; or none.
        tokenizer: `"unicode"`, `"whitespace"`, `"wordpiece"` or `"bytes"`.
        vocab_size: most entries of the vocabulary.
        lowercase: whether to fold case.
        min_count: tokens seen less often are unknown.
        jit_compile: compile the training step with XLA.
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
    minutes: float | None = None
    tokenizer: str = "unicode"
    vocab_size: int = 10000
    lowercase: bool = True
    min_count: int = 2
    jit_compile: bool = False

    # No part of the tokenizer: another vocabulary is another text to predict, and its
    # perplexity cannot be compared. The step size depends on the optimizer, so each
    # model has a range of its own.
    space: ClassVar[Mapping[str, Range]] = {
        "batch_size": Int(10, 80, factor=2),
        "window": Choice(20, 35, 70),
        "decay": Choice(0.5, 0.7, 0.85, 1.0),
        "decay_after": Int(2, 8, step=2),
        "average": Choice(None, 0.5, 1.0),
    }


@dataclass(frozen=True)
class TaggingSettings(_Checked):
    """How a tagger is trained. `TaggingSettings.of(model)` starts from the model's
    defaults.

    Args:
        seed: of the weights, the order of the sentences, the rare words and the
            dropout.
        epochs: at most this many.
        patience: epochs without a better validation score before training stops.
        batch_size: sentences a step.
        optimizer: name of a Keras optimizer.
        learning_rate: its step size.
        average: epochs that the moving average of the weights spans which is validated
            and kept, or none.
        loss_weights: factor of each task in the loss, 1 where none is given.
        scheme: of `zoo.tagging.SCHEMES`, into which the tags are converted before the
            model learns them; `""` for the one of the data.
        tokenizer: of raw texts, `"unicode"` or `"whitespace"`.
        vocab_size: most entries of the words' vocabulary.
        lowercase: whether to fold case before a word is looked up.
        min_count: words seen less often are unknown.
        vectors: word2vec or GloVe text file whose vectors the embedding starts from.
        replace_rare: share of the words seen once that training reads as unknown, drawn
            anew each epoch (Lample et al. 2016, section 4.1 and its code), or none.
        max_letters: characters of a word that are read.
        buckets: padded lengths.
        jit_compile: compile the training step with XLA.
    """

    seed: int = 0
    epochs: int = 30
    patience: int = 5
    batch_size: int = 16
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    average: float | None = None
    loss_weights: Mapping[str, float] = field(default_factory=dict)
    scheme: str = ""
    tokenizer: str = "unicode"
    vocab_size: int = 30000
    lowercase: bool = True
    min_count: int = 1
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


@dataclass(frozen=True)
class TranslationSettings(_Checked):
    """How a translation model is trained. `TranslationSettings.of(model)` starts from
    the model's defaults.

    Args:
        seed: of the weights, the order of the pairs and the dropout.
        epochs: at most this many.
        patience: epochs without a lower validation perplexity before training stops.
        batch_tokens: the most tokens of each side of a batch, padding included.
        optimizer: name of a Keras optimizer.
        learning_rate: its largest step size.
        clip: bound on the global norm of the gradient.
        warmup: steps in which the step size rises ...
        hold: ... and in which it then stays; behind them it falls with the root of the
            step. Without `warmup` it stays throughout.
        label_smoothing: share of the target's probability that all ids get alike.
        average: epochs that the moving average of the weights spans which is validated
            and kept, or none.
        tokenizer: `"wordpiece"`, or `"whitespace"` for words of texts that were
            tokenized before.
        vocab_size: most entries of each vocabulary.
        shared_vocabulary: one vocabulary and one embedding for both sides.
        lowercase: whether to lower the case of both sides.
        min_count: words seen less often are not learned from.
        max_length: pieces of each side of a training pair that are read; the report
            says how many pairs were cut.
        max_source: pieces of a source that are read when translating.
        beam: hypotheses of the search.
        length_penalty: of the search, the α of GNMT.
    """

    seed: int = 0
    epochs: int = 20
    patience: int = 4
    batch_tokens: int = 2048
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


_OF_RECIPE = {
    "language_modeling": LanguageSettings,
    "tagging": TaggingSettings,
    "translation": TranslationSettings,
}


def settings_of(model: str) -> type[_Checked]:
    """The class of the settings that a model's recipe takes."""
    return _OF_RECIPE.get(describe(model).recipe, Settings)


def space_of(model: str) -> dict[str, Range]:
    """All that `zoo tune` searches for a model: its arguments, then its settings.

    Example:
        >>> print(space_of("bilstm")["units"], "|", space_of("bilstm")["batch_size"])
        32 to 256, each 2 times the one before | 16 to 128, each 2 times the one before
    """
    own, shared = describe(model).space, settings_of(model).space
    return {**own, **{name: shared[name] for name in shared if name not in own}}


def parse_overrides(
    pairs: Sequence[str], model: str | None = None
) -> tuple[dict, dict]:
    """`key=value` pairs as settings of the training and arguments of the builder.

    Args:
        pairs: each value is JSON, or else a string.
        model: checks the names of its builder's arguments.

    Raises:
        ValueError: for a pair without `=`, or a name that the model does not know.

    Example:
        >>> parse_overrides(["epochs=3", "units=64", "variant=static"])
        ({'epochs': 3}, {'units': 64, 'variant': 'static'})
    """
    settings, keywords = {}, {}
    chosen = settings_of(model) if model else Settings
    known = [setting.name for setting in fields(chosen)]
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise ValueError(f"Overrides must read KEY=VALUE. Received: {pair!r}.")
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text
        (settings if key in known else keywords)[key] = value
    if model is not None:
        arguments = {name for name in describe(model).keywords if name != "tasks"}
        check_keywords(model, keywords, sorted(arguments.union(known)))
    return settings, keywords
