"""Text classification: a bidirectional G-LSTM of one's own, from texts to a SavedModel.

python recipes/text_classification.py trec
python recipes/text_classification.py reviews.csv --label sentiment --epochs 5
"""

from __future__ import annotations

import argparse

import keras

import zoo
from zoo import layers
from zoo.data import encode_labels, learn_tasks


def main(arguments: list[str] | None = None) -> dict[str, float]:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", nargs="?", default="trec", help="named set, or a table")
    parser.add_argument("--label", default="label", help="column of the labels")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--export", default="saved_models/own_classifier")
    options = parser.parse_args(arguments)
    keras.utils.set_random_seed(0)

    # Data: the checks, notes and split of `zoo train`; labels as class ids, and a
    # weight of 0 where a label is missing.
    splits = zoo.read(options.data, label=options.label)
    print(*splits.notes, sep="\n")
    [(name, task)] = learn_tasks(splits.train).items()
    pipeline = zoo.TextPipeline.learn(splits.train.texts, max_length=100)
    data = {}
    for part, rows in splits.parts.items():
        targets, weights = encode_labels(rows, {name: task})
        data[part] = pipeline(rows.texts).numpy(), targets[name], weights[name]

    # Model: ids [batch, time], 0 for padding, to logits. The mask is made once, and
    # each layer that needs it takes it as an argument.
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    mask = layers.PaddingMask()(tokens)
    x = keras.layers.Embedding(pipeline.vocab_size, 128)(tokens)
    x = keras.layers.Dropout(0.3)(x)
    lstm = layers.GroupLSTM(128, groups=4, return_sequences=True)
    states = layers.Bidirectional(lstm)(x, mask=mask)
    highest = layers.MaskedMaxPooling()(states, mask=mask)
    weighted = layers.AttentionPooling()(states, mask=mask)
    features = keras.layers.Concatenate()([highest, weighted])
    features = keras.layers.Dropout(0.5)(features)
    logits = keras.layers.Dense(task.outputs, dtype="float32", name="head")(features)
    model = keras.Model(tokens, logits, name="own_classifier")
    model.summary()

    # Training: plain Keras.
    model.compile(
        optimizer=keras.optimizers.Adam(2e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=["accuracy"],
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
    ids, targets, weights = data["test"]
    scores = model.evaluate(
        ids, targets, sample_weight=weights, return_dict=True, verbose=0
    )
    print(f"Test: {scores['accuracy']:.4f} accuracy of {len(ids)} texts")

    # Model, pipeline and task together answer strings, here and behind TF Serving.
    text_model = zoo.TextModel(model, pipeline, {name: task})
    [answer] = text_model.predict([splits.test.texts[0]])
    print(f"{splits.test.texts[0]!r}: {answer[name]['label']}")
    print(f"Exported: {text_model.export(options.export, splits.valid.texts[:100])}")
    return scores


if __name__ == "__main__":
    main()
