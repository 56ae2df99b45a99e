"""Search: keras-tuner chooses the cell, the widths and the learning rate of a model.

python recipes/search.py trec --trials 10
python recipes/search.py reviews.csv --label sentiment
"""

from __future__ import annotations

import argparse

import keras
import keras_tuner

import zoo
from zoo import layers
from zoo.data import encode_labels, learn_tasks

CELLS = {
    "lstm": layers.LSTM,
    "factorized": lambda units, **options: layers.FactorizedLSTM(
        units, rank=units // 4, **options
    ),
    "group": lambda units, **options: layers.GroupLSTM(units, groups=4, **options),
}


def main(arguments: list[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", nargs="?", default="trec", help="named set, or a table")
    parser.add_argument("--label", default="label", help="column of the labels")
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=6, help="of each trial")
    parser.add_argument("--out", default="runs/own_search", help="folder of the trials")
    parser.add_argument("--export", default="saved_models/own_search")
    options = parser.parse_args(arguments)
    keras.utils.set_random_seed(0)

    splits = zoo.read(options.data, label=options.label)
    [(name, task)] = learn_tasks(splits.train).items()
    pipeline = zoo.TextPipeline.learn(splits.train.texts, max_length=100)
    data = {}
    for part, rows in splits.parts.items():
        targets, weights = encode_labels(rows, {name: task})
        data[part] = pipeline(rows.texts).numpy(), targets[name], weights[name]

    def build(choice: keras_tuner.HyperParameters) -> keras.Model:
        """A model of the choices of one trial, compiled."""
        units = choice.Int("units", 32, 128, step=2, sampling="log")
        cell = CELLS[choice.Choice("cell", list(CELLS))]
        rate = choice.Float("dropout", 0.2, 0.6, step=0.1)
        tokens = keras.Input((None,), dtype="int32", name="tokens")
        mask = layers.PaddingMask()(tokens)
        x = keras.layers.Embedding(pipeline.vocab_size, 64)(tokens)
        x = keras.layers.Dropout(rate)(x)
        lstm = cell(units, return_sequences=True)
        states = layers.Bidirectional(lstm)(x, mask=mask)
        if choice.Boolean("experts"):
            experts = layers.SparseMoE(8, k=2, hidden=2 * units)
            states = states + experts(states, mask=mask)
        features = layers.MaskedMaxPooling()(states, mask=mask)
        features = keras.layers.Dropout(rate)(features)
        logits = keras.layers.Dense(task.outputs, dtype="float32")(features)
        model = keras.Model(tokens, logits, name="own_search")
        model.compile(
            optimizer=keras.optimizers.Adam(
                choice.Float("learning_rate", 5e-4, 5e-3, sampling="log")
            ),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            weighted_metrics=["accuracy"],
        )
        return model

    tuner = keras_tuner.RandomSearch(
        build,
        objective=keras_tuner.Objective("val_accuracy", "max"),
        max_trials=options.trials,
        seed=0,
        directory=options.out,
        project_name="trials",
    )
    ids, targets, weights = data["train"]
    tuner.search(
        ids,
        targets,
        sample_weight=weights,
        validation_data=data["valid"],
        batch_size=32,
        epochs=options.epochs,
        callbacks=[keras.callbacks.EarlyStopping("val_accuracy", 0, 2, mode="max")],
        verbose=2,
    )
    tuner.results_summary(3)

    # The best trial has its weights of the best epoch; the test part is read once.
    [model] = tuner.get_best_models()
    ids, targets, weights = data["test"]
    scores = model.evaluate(
        ids, targets, sample_weight=weights, return_dict=True, verbose=0
    )
    [best] = tuner.get_best_hyperparameters()
    print(f"Best: {best.values}")
    print(f"Test: {scores['accuracy']:.4f} accuracy of {len(ids)} texts")
    text_model = zoo.TextModel(model, pipeline, {name: task})
    print(f"Exported: {text_model.export(options.export, splits.valid.texts[:100])}")
    return {**best.values, **scores}


if __name__ == "__main__":
    main()
