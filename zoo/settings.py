"""Settings of a training run, with the defaults of each model.

Pure Python: the command line shows them in `--help` without loading TensorFlow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields

from zoo.registry import check_keywords, describe


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
    "replace_rare": _SHARE,
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
    """Checks each value by its field's name or else its type when made."""

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
        """The defaults of a registered model, with `overrides` where they are not None.

        Raises:
            ValueError: for an unknown model or setting.
        """
        known = {setting.name for setting in fields(cls)}
        unknown = sorted(set(overrides) - known)
        if unknown:
            raise ValueError(
                f"Settings must be among {', '.join(sorted(known))}. "
                f"Received: {', '.join(unknown)}."
            )
        given = {name: value for name, value in overrides.items() if value is not None}
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
    max_length: int = 256
    buckets: int = 5
    pretrain_epochs: int = 0
    fine_tune: bool = False
    abstain: float | None = None
    jit_compile: bool = False


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
    tokenizer: str = "unicode"
    vocab_size: int = 10000
    lowercase: bool = True
    min_count: int = 2
    jit_compile: bool = False


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
    replace_rare: float | None = 0.5
    max_letters: int = 24
    buckets: int = 8
    jit_compile: bool = False


_OF_RECIPE = {"language_modeling": LanguageSettings, "tagging": TaggingSettings}


def settings_of(model: str) -> type[_Checked]:
    """The class of the settings that a model's recipe takes."""
    return _OF_RECIPE.get(describe(model).recipe, Settings)


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
