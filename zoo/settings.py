"""Settings of a training run, with the defaults of each model.

Pure Python: the command line shows them in `--help` without loading TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields

from zoo.registry import describe


@dataclass(frozen=True)
class Settings:
    """How a model is trained. `Settings.of(model)` starts from the model's defaults.

    Args:
        seed: of the weights, the order of the texts, the sampling and the dropout.
        epochs: at most this many.
        patience: epochs without a better validation score before training stops.
        batch_size: texts a step.
        optimizer: name of a Keras optimizer.
        learning_rate: its step size.
        sampling: `"proportional"`, `"uniform"` over tasks, or a temperature >= 1.
        loss_weights: factor of each task in the loss, 1 where none is given.
        class_weights: for each task `"balanced"` or a weight for each label.
        tokenizer: `"unicode"`, `"whitespace"`, `"wordpiece"` or `"bytes"`.
        vocab_size: most entries of the vocabulary.
        min_count: tokens seen less often are unknown.
        max_length: tokens of a text that are read.
        buckets: padded lengths that XLA compiles for.
        pretrain_epochs: passes of the language model that initialises the shared layers,
            over the unlabelled and the training texts.
        fine_tune: after joint training, goes on with each task alone.
        jit_compile: compile the training step with XLA.
    """

    seed: int = 0
    epochs: int = 10
    patience: int = 2
    batch_size: int = 32
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    sampling: str | float = "proportional"
    loss_weights: Mapping[str, float] = field(default_factory=dict)
    class_weights: Mapping[str, str | Mapping] = field(default_factory=dict)
    tokenizer: str = "unicode"
    vocab_size: int = 20000
    min_count: int = 2
    max_length: int = 256
    buckets: int = 5
    pretrain_epochs: int = 0
    fine_tune: bool = False
    jit_compile: bool = True

    @classmethod
    def of(cls, model: str, **overrides) -> Settings:
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
