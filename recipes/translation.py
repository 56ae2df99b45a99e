"""Translation: a G-LSTM that reads, one that writes, attention between them.

python recipes/translation.py multi30k
python recipes/translation.py train.en --target train.de --epochs 20
"""

from __future__ import annotations

import argparse

import keras
import numpy as np

import zoo
from zoo import layers
from zoo.families.translation.metrics import bleu
from zoo.training.sequence_loss import SequenceCrossentropy

UNITS, LENGTH = 256, 60


def main(arguments: list[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", nargs="?", default="multi30k", help="set or file")
    parser.add_argument("--target", help="file whose lines translate those of `data`")
    parser.add_argument("--vocab-size", type=int, default=8000, help="of both sides")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--export", default="saved_models/own_translator")
    options = parser.parse_args(arguments)
    keras.utils.set_random_seed(0)

    # Data: word pieces, one vocabulary for both languages.
    splits = zoo.read(options.data, family="translation", target=options.target)
    pipeline = zoo.TranslationPipeline.learn(
        splits.train, vocab_size=options.vocab_size
    )
    size = pipeline.target.vocab_size

    # Model: a source, and the target so far, to logits of the next piece. The names are
    # those by which `zoo.TranslationModel` runs one step of its beam search.
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    mask = layers.PaddingMask(name="source_mask")(source)
    softmax = layers.TiedSoftmax(
        size,
        UNITS,
        samples=0,
        kernel_initializer=keras.initializers.RandomNormal(stddev=UNITS**-0.5),
        name="softmax",
    )

    def embed(ids):
        return softmax(ids, embed=True) * UNITS**0.5

    x = keras.layers.Dropout(0.3)(embed(source))
    reader = layers.GroupLSTM(UNITS, groups=2, return_sequences=True, return_state=True)
    reader = layers.Bidirectional(reader, "sum")
    states, forward, _, backward, _ = reader(x, mask=mask)
    memory = keras.layers.Identity(name="memory")(states)
    start = [
        keras.layers.Dense(UNITS, "tanh", name="start_h")(forward + backward),
        keras.layers.Dense(UNITS, name="start_c")(forward + backward),
    ]
    y = keras.layers.Dropout(0.3)(embed(target))
    writer = layers.GroupLSTM(
        UNITS, groups=2, return_sequences=True, name="decoder_lstm_0"
    )
    y = y + keras.layers.Dropout(0.3)(writer(y, initial_state=start))
    attention = layers.TanhProductAttention(UNITS, name="attention")
    context, _ = attention(y, memory, mask=mask)
    hidden = keras.layers.Dense(UNITS, "tanh", name="readout")(
        keras.layers.Concatenate()([y, context])
    )
    logits = softmax(keras.layers.Dropout(0.3)(hidden))
    model = keras.Model(
        {"source": source, "target": target}, logits, name="own_translator"
    )
    model.summary()

    # Training: each piece of a target from those before it; padding weighs nothing.
    model.compile(
        optimizer=keras.optimizers.Adam(2e-3, global_clipnorm=1.0),
        loss=SequenceCrossentropy(label_smoothing=0.1),
    )
    inputs, following, weights = arrays(pipeline, splits.train)
    model.fit(
        inputs,
        following,
        sample_weight=weights,
        validation_data=arrays(pipeline, splits.valid),
        batch_size=64,
        epochs=options.epochs,
        callbacks=[
            keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)
        ],
        verbose=2,
    )

    translator = zoo.TranslationModel(model, pipeline, {})
    found = translator.translate(splits.test.sources, beam=4)
    score = bleu(found, splits.test.targets, tokenized=splits.tokenized).score
    print(f"Test: {score:.1f} BLEU of {len(found)} texts")
    print(f"{splits.test.sources[0]!r}: {found[0]!r}")
    print(f"Exported: {translator.export(options.export, splits.valid.texts[:20])}")
    return score


def arrays(pipeline, pairs) -> tuple[dict, np.ndarray, np.ndarray]:
    """Inputs, targets and weights of `fit`."""
    rows = pipeline.encode(pairs, max_length=LENGTH)
    pad = keras.utils.pad_sequences
    sources = pad(rows.sources, padding="post")
    targets = pad(rows.targets, padding="post")
    weights = (targets[:, 1:] != 0).astype("float32")
    return {"source": sources, "target": targets[:, :-1]}, targets[:, 1:], weights


if __name__ == "__main__":
    main()
