"""Multi-task learning: a shared trunk with a mixture of experts, a head for each task.

python recipes/multi_task.py hutto
python recipes/multi_task.py reviews.csv --label sentiment --label stars:regression
python recipes/multi_task.py reviews.csv --label sentiment --task-column domain
"""

from __future__ import annotations

import argparse

import keras

import zoo
from zoo import layers
from zoo.data import encode_labels, learn_tasks

LOSSES = {
    "categories": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    "multilabel": keras.losses.BinaryCrossentropy(from_logits=True),
    "regression": keras.losses.MeanSquaredError(),  # of the standardised value
}
METRICS = {
    "categories": "accuracy",
    "multilabel": keras.metrics.BinaryAccuracy,
    "regression": "mean_absolute_error",
}


def main(arguments: list[str] | None = None) -> zoo.TextModel:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", nargs="?", default="hutto", help="named set, or table")
    parser.add_argument("--label", action="append", metavar="COLUMN[:KIND]")
    parser.add_argument("--task-column", help="splits one label into tasks")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--export", default="saved_models/own_multi_task")
    options = parser.parse_args(arguments)
    keras.utils.set_random_seed(0)

    # Data: a row may lack labels of some tasks, which then weigh nothing there.
    splits = zoo.read(
        options.data, label=options.label, task_column=options.task_column
    )
    tasks = learn_tasks(splits.train)
    pipeline = zoo.TextPipeline.learn(splits.train.texts, max_length=100)
    data = {}
    for part, rows in splits.parts.items():
        data[part] = pipeline(rows.texts).numpy(), *encode_labels(rows, tasks)

    # Trunk: two readings of the text, and experts of which each token takes two.
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    mask = layers.PaddingMask()(tokens)
    x = keras.layers.Embedding(pipeline.vocab_size, 96)(tokens)
    x = keras.layers.Dropout(0.3)(x)
    lstm = layers.FactorizedLSTM(96, rank=24, return_sequences=True)
    states = layers.Bidirectional(lstm)(x, mask=mask)
    experts = layers.SparseMoE(8, k=2, hidden=192)
    states = keras.layers.Add()([states, experts(states, mask=mask)])
    shared = layers.MaskedMaxPooling()(states, mask=mask)

    # Heads: a private layer and an output each, named by number, for the name of a task
    # may hold what Keras takes in no name.
    outputs = {}
    for index, (name, task) in enumerate(tasks.items()):
        own = keras.layers.Dense(48, activation="relu", name=f"private_{index}")(shared)
        own = keras.layers.Dropout(0.4)(own)
        head = keras.layers.Dense(task.outputs, dtype="float32", name=f"head_{index}")
        outputs[name] = head(own)
    model = keras.Model(tokens, outputs, name="own_multi_task")
    model.summary()

    model.compile(
        optimizer=keras.optimizers.Adam(2e-3),
        loss={name: LOSSES[task.kind] for name, task in tasks.items()},
        weighted_metrics={name: _metric(task.kind) for name, task in tasks.items()},
    )
    model.fit(
        *data["train"][:2],
        sample_weight=data["train"][2],
        validation_data=data["valid"],
        batch_size=32,
        epochs=options.epochs,
        callbacks=[
            keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
        ],
        verbose=2,
    )

    text_model = zoo.TextModel(model, pipeline, tasks)
    ids, targets, weights = data["test"]
    scores = model.evaluate(
        ids, targets, sample_weight=weights, return_dict=True, verbose=0
    )
    for name, score in scores.items():
        print(f"Test {name}: {score:.4f}")
    [answer] = text_model.predict(splits.test.texts[:1])
    for name, found in answer.items():
        print(f"{splits.test.texts[0]!r}, {name}: {found['label']}")
    print(f"Exported: {text_model.export(options.export, splits.valid.texts[:100])}")
    return text_model


def _metric(kind: str):
    metric = METRICS[kind]
    return metric if isinstance(metric, str) else metric(threshold=0.0)


if __name__ == "__main__":
    main()
