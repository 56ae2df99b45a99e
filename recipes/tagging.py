"""Tagging: words and their letters, an LSTM in each direction, a CRF over the tags.

python recipes/tagging.py conll2003
python recipes/tagging.py slots.jsonl --label tags:BIO --epochs 20
"""

from __future__ import annotations

import argparse

import keras
import numpy as np
import tensorflow as tf

import zoo
from zoo import layers
from zoo.data.tag_schemes import crf_constraints
from zoo.families.tagging.fitting import learn_tag_tasks
from zoo.families.tagging.train import evaluate
from zoo.tasks import TAGS


def main(arguments: list[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", nargs="?", default="treebank", help="set or file")
    parser.add_argument("--label", help="[TASK=]COLUMN[:KIND], as for `zoo train`")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--export", default="saved_models/own_tagger")
    options = parser.parse_args(arguments)
    keras.utils.set_random_seed(0)

    # Data: the first of the tasks that have a tag for every word.
    splits = zoo.read(options.data, family="tagging", label=options.label)
    tasks = learn_tag_tasks(splits.train, splits.schemes)
    name = next(name for name, task in tasks.items() if task.kind == TAGS)
    task = tasks[name]
    pipeline = zoo.TaggingPipeline.learn(splits.train.tokens)
    ids = {tag: number for number, tag in enumerate(task.labels)}

    def arrays(part) -> tuple[dict, np.ndarray]:
        """Inputs and targets of `fit`; the CRF's loss takes the tags as an input."""
        inputs = pipeline.inputs(tf.ragged.constant(part.tokens, dtype=tf.string))
        tags = np.zeros(inputs["tokens"].shape, "int32")
        for row, found in enumerate(part.tags[name]):
            tags[row, : len(found)] = [ids[tag] for tag in found]
        return {**{key: x.numpy() for key, x in inputs.items()}, "tags": tags}, tags

    # Model: words and letters to the emissions of the CRF. `zoo.TaggingModel` finds the
    # CRF of a task by its name, `crf_` and the task's.
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    letters = keras.Input((None, None), dtype="int32", name="characters")
    mask = layers.PaddingMask(name="mask")(tokens)
    spelled = keras.layers.Embedding(pipeline.character_count, 30)(letters)
    spelled = layers.ByWord(layers.TextConvolution(30, 3))(
        spelled, mask=keras.ops.not_equal(letters, 0)
    )
    words = keras.layers.Embedding(pipeline.vocab_size, 100)(tokens)
    x = keras.layers.Concatenate()([words, spelled])
    x = keras.layers.Dropout(0.5)(x)
    lstm = layers.LSTM(100, return_sequences=True)
    states = keras.layers.Dropout(0.5)(layers.Bidirectional(lstm)(x, mask=mask))
    emissions = keras.layers.Dense(task.outputs, dtype="float32")(states)
    allowed = crf_constraints(task.labels, task.scheme) if task.scheme else {}
    crf = layers.CRF(task.outputs, use_boundary=True, name=f"crf_{name}", **allowed)
    inputs = {"tokens": tokens, "characters": letters}
    model = keras.Model(inputs, {name: crf(emissions, mask=mask)}, name="own_tagger")
    model.summary()

    # Training: a second model over the same layers, whose output is the CRF's loss.
    tags = keras.Input((None,), dtype="int32", name="tags")
    trained = keras.Model({**inputs, "tags": tags}, crf(emissions, tags, mask=mask))
    trained.compile(
        optimizer=keras.optimizers.Adam(2e-3, global_clipnorm=1.0),
        loss=layers.CRFLoss(),
    )
    trained.fit(
        *arrays(splits.train),
        validation_data=arrays(splits.valid),
        batch_size=16,
        epochs=options.epochs,
        callbacks=[
            keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
        ],
        verbose=2,
    )

    tagger = zoo.TaggingModel(model, pipeline, {name: task})
    scores = evaluate(tagger, splits.test, splits.schemes)[name]
    for metric, score in scores.items():
        if isinstance(score, float):
            print(f"Test {metric}: {score:.4f}")
    [answer] = tagger.predict([splits.test.tokens[0]])
    for pair in zip(answer["tokens"], answer["tags"][name]):
        print(*pair, sep="\t")
    print(f"Exported: {tagger.export(options.export, splits.valid.texts[:100])}")
    return scores


if __name__ == "__main__":
    main()
