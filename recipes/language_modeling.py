"""Language modelling: stacked F-LSTMs whose state goes in and comes out.

python recipes/language_modeling.py wikitext2
python recipes/language_modeling.py reviews.csv --text review --epochs 3
"""

from __future__ import annotations

import argparse
import math

import keras
import numpy as np

import zoo
from zoo import layers
from zoo.families.language.stream import streams, token_stream

WINDOW, UNITS, RANK, DEPTH = 32, 256, 64, 2


def main(arguments: list[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", nargs="?", default="wikitext2", help="set or table")
    parser.add_argument("--text", help="column of the texts")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--export", default="saved_models/own_lm")
    options = parser.parse_args(arguments)
    keras.utils.set_random_seed(0)

    # Data: each part is one stream of tokens, with an end token after every text, cut
    # into windows. The target of a token is the one after it.
    splits = zoo.read(options.data, family="language", text=options.text)
    corpus = splits.settings  # how the texts of some named sets were prepared
    pipeline = zoo.TextPipeline.learn(
        splits.train.texts,
        vocab_size=corpus.get("vocab_size", 10000),
        tokenizer=corpus.get("tokenizer", "unicode"),
        lowercase=corpus.get("lowercase", True),
        max_length=10000,
    )
    data = {
        part: windows(token_stream(pipeline, rows.texts))
        for part, rows in splits.parts.items()
    }

    # Model: tokens [batch, time] and the state before them, to logits and the state
    # after them. `mask`, `hidden` and `softmax` are the names by which
    # `zoo.LanguageModel` finds the parts that generate and score.
    cells = [UNITS] * (2 * DEPTH)  # h and c of each layer
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    state = keras.Input((sum(cells),), dtype="float32", name="state")
    mask = layers.PaddingMask(name="mask")(tokens)
    x = keras.layers.Embedding(pipeline.vocab_size, UNITS)(tokens)
    before, after = keras.ops.split(state, 2 * DEPTH, axis=1), []
    for index in range(DEPTH):
        x = keras.layers.Dropout(0.3)(x)
        lstm = layers.FactorizedLSTM(
            UNITS, rank=RANK, return_sequences=True, return_state=True
        )
        x, *new = lstm(x, mask=mask, initial_state=before[2 * index : 2 * index + 2])
        after += new
    hidden = keras.layers.Dropout(0.3, name="hidden")(x)
    softmax = layers.SampledSoftmax(pipeline.vocab_size, samples=0, name="softmax")
    outputs = {
        "logits": softmax(hidden),
        "state": keras.layers.Concatenate(name="new_state")(after),
    }
    model = keras.Model({"tokens": tokens, "state": state}, outputs, name="own_lm")
    model.summary()

    # Training: every window begins without a past, so that plain `fit` does.
    model.compile(
        optimizer=keras.optimizers.Adam(2e-3, global_clipnorm=1.0),
        loss={
            "logits": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            "state": None,
        },
    )
    model.fit(
        *data["train"],
        validation_data=data["valid"],
        batch_size=32,
        epochs=options.epochs,
        callbacks=[
            keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)
        ],
        verbose=2,
    )
    loss = model.evaluate(*data["test"], return_dict=True, verbose=0)["loss"]
    perplexity = math.exp(loss)
    print(f"Test: a perplexity of {perplexity:.1f} in windows of {WINDOW} tokens")

    language_model = zoo.LanguageModel(model, pipeline, {})
    prompt = " ".join(splits.test.texts[0].split()[:4]) or "The"
    [text] = language_model.generate([prompt], temperature=0.8, top_p=0.9, seed=1)
    print(f"{prompt!r} goes on: {text!r}")
    print(f"Exported: {language_model.export(options.export)}")
    return perplexity


def windows(stream: np.ndarray) -> tuple[dict, dict]:
    """Inputs and targets of `fit`: int ids `[windows, WINDOW]`, and no past."""
    inputs, targets = streams(stream, max(1, (len(stream) - 1) // WINDOW))
    past = np.zeros((len(inputs), 2 * DEPTH * UNITS), "float32")
    return {"tokens": inputs, "state": past}, {"logits": targets}


if __name__ == "__main__":
    main()
