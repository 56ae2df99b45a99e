"""A fifth family in one file: a text in, one number out. See test_fifth_family.py."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import zoo
from zoo.families import Family, register_family
from zoo.models._search_space import Float
from zoo.training.settings import Checked


@dataclass(frozen=True)
class NumberSettings(Checked):
    """How a model of numbers is trained."""

    seed: int = 0
    epochs: int = 3
    patience: int = 3
    batch_size: int = 8
    learning_rate: float = 0.05
    space: ClassVar = {"learning_rate": Float(0.01, 0.1, log=True)}


@zoo.register(task="numbers", summary="A mean of embeddings.", family="number")
def text_number(vocab_size: int = 100, *, width: int = 2):
    """Ids `[batch, time]` to a number `[batch, 1]`."""
    import keras

    tokens = keras.Input((None,), dtype="int32", name="tokens")
    states = keras.layers.Embedding(vocab_size, width)(tokens)
    states = keras.layers.GlobalAveragePooling1D()(states)
    outputs = {"label": keras.layers.Dense(1, name="label")(states)}
    return keras.Model(tokens, outputs, name="text_number")


class Numbers(Family):
    """Texts with a number each, in the column `label`."""

    name, content, reads = "number", "labels of texts", ("labels of texts",)
    default_data, settings, next_step = "hutto_scores", NumberSettings, "Ask it"

    @cache  # noqa: B019  (the family lives as long as the process)
    def text_model(self):
        from zoo.families.text_model import BaseTextModel

        class NumberModel(BaseTextModel):
            family, pipeline_class = "number", zoo.TextPipeline

            def predict(self, texts, batch_size=64):
                ids = self.pipeline(list(texts))
                numbers = self.model(ids, training=False)["label"].numpy()
                return [{"number": float(number)} for [number] in numbers]

        return NumberModel

    def prepare(self, splits, settings):
        return splits

    def train(self, name, prepared, settings, keywords, *, folder, **options):
        import keras
        import numpy as np

        from zoo.families.text_model import describe_training
        from zoo.training.batching import TokenBatches, choose_buckets
        from zoo.training.checkpoint import Checkpoint, claim
        from zoo.training.loop import fit

        keras.utils.set_random_seed(settings.seed)
        texts, labels = prepared.train.texts, prepared.train.labels["label"]
        pipeline = zoo.TextPipeline.learn(texts, min_count=1)
        model = zoo.get(name, pipeline.vocab_size, **keywords)
        model.compile(keras.optimizers.Adam(settings.learning_rate), {"label": "mae"})
        metadata = describe_training(name, keywords, settings)
        text_model = self.text_model()(model, pipeline, {}, metadata)
        claim(folder, metadata)
        ids, numbers = pipeline.encode(texts), {"label": np.array(labels, float)}
        sizes = {"batch_size": settings.batch_size, "buckets": choose_buckets(ids)}
        rows = {"label": np.ones(len(texts))}
        batches = TokenBatches(ids, numbers, rows, **sizes, shuffle=True)

        def validate(epoch, logs):
            logs["val_mae"] = self.score(text_model, prepared, "valid")["mae"]

        watching = [keras.callbacks.LambdaCallback(on_epoch_end=validate)]
        checkpoint = Checkpoint(
            lambda logs: (-logs["val_mae"],), patience=settings.patience, folder=folder
        )
        options["epochs"], options["watching"] = settings.epochs, watching
        return text_model, fit(model, batches, checkpoint, **options)

    def objectives(self, splits):
        return ["mae"]

    def score(self, text_model, splits, part):
        data = getattr(splits, part)
        pairs = zip(text_model.predict(data.texts), data.labels["label"], strict=True)
        gaps = [abs(found["number"] - float(number)) for found, number in pairs]
        return {"mae": sum(gaps) / len(gaps)}

    def servable(self, model, pipeline, tasks, texts, metadata):
        import tensorflow as tf

        from zoo.serving.expected import call
        from zoo.serving.servable import Servable

        module, text = tf.Module(), tf.TensorSpec([None], tf.string, "text")
        module.pipeline, module.weights = pipeline, [v.value for v in model.weights]
        serve = tf.function(lambda text: {"number": model(pipeline(text))["label"]})
        endpoint = tf.function(serve.python_function, input_signature=[text])
        numbers = {"number": model(pipeline(list(texts)))["label"].numpy()}
        calls = [call("serving_default", {"text": list(texts)}, numbers)]
        endpoints = {"serving_default": endpoint}
        return Servable(model, pipeline, module, endpoints, calls=calls)


register_family(Numbers())
