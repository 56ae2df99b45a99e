"""A fifth family in one file: a text in, the number of its tokens out, as learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import zoo
from zoo.families import Family
from zoo.training.settings import Checked


@dataclass(frozen=True)
class NumberSettings(Checked):
    """How a model of numbers is trained."""

    seed: int = 0
    epochs: int = 3
    patience: int = 3
    batch_size: int = 8
    learning_rate: float = 0.05

    space: ClassVar = {"learning_rate": zoo.tuning.Float(0.01, 0.1, log=True)}


@zoo.register(
    task="numbers",
    summary="A mean of embeddings.",
    family="number",
    space={"width": zoo.tuning.Choice(2, 4)},
)
def text_number(vocab_size: int = 100, *, width: int = 2):
    """Ids `[batch, time]` to a number `[batch, 1]`."""
    import keras

    tokens = keras.Input((None,), dtype="int32", name="tokens")
    states = keras.layers.Embedding(vocab_size, width)(tokens)
    states = keras.layers.GlobalAveragePooling1D()(states)
    return keras.Model(tokens, keras.layers.Dense(1)(states), name="text_number")


class Numbers(Family):
    """Texts with a number each, the first label column of a table."""

    name = "number"
    content = "labels of texts"
    default_data = "hutto"
    settings = NumberSettings
    invitation = "Count with it"

    def text_model(self):
        from zoo.families.text_model import BaseTextModel

        class NumberModel(BaseTextModel):
            family = "number"
            pipeline_class = zoo.TextPipeline

            def predict(self, texts, batch_size=64):
                numbers = self.model(self.pipeline(list(texts))).numpy()[:, 0]
                return [{"number": float(number)} for number in numbers]

        return NumberModel

    def prepare(self, splits, settings):
        pipeline = zoo.TextPipeline.learn(splits.train.texts, min_count=1)
        return pipeline, splits

    def describe(self, name, prepared):
        return f"{name} on {len(prepared[1].train)} texts"

    def train(
        self, name, prepared, settings, keywords, *, folder, callbacks=(), verbose=True
    ):
        import keras

        from zoo.families.text_model import describe_training
        from zoo.training.checkpoint import Checkpoint, claim
        from zoo.training.fit import fit

        pipeline, splits = prepared
        keras.utils.set_random_seed(settings.seed)
        model = zoo.get(name, pipeline.vocab_size, **keywords)
        model.compile(keras.optimizers.Adam(settings.learning_rate), "mae")
        text_model = self.text_model()(
            model, pipeline, {}, describe_training(name, keywords, settings)
        )
        claim(folder, text_model.metadata)
        watching = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: logs.update(
                val_mae=self.score(text_model, splits, "valid")["mae"]
            )
        )
        history = fit(
            model,
            _Batches(pipeline, splits.train, settings.batch_size),
            Checkpoint(
                lambda logs: (-logs["val_mae"],),
                patience=settings.patience,
                folder=folder,
            ),
            epochs=settings.epochs,
            callbacks=[watching, *callbacks],
            verbose=verbose,
        )
        return text_model, history
