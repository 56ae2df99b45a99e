"""The practical multi-task model: shared bidirectional trunk, private layers, heads."""

from __future__ import annotations

from collections.abc import Sequence

from zoo._lazy import keras
from zoo.models._registry import register
from zoo.models._search_space import Choice, Float
from zoo.models.classifiers import (
    DROPOUTS,
    OF_CELL,
    WIDTHS,
    both_directions,
    embedded_tokens,
    max_and_mean,
)
from zoo.models.heads import heads, layer_name
from zoo.models.linear import NGRAMS, linear_beside
from zoo.models.ngram_logits import ngram_logits
from zoo.tasks import as_tasks, same_labels

_WITH_NGRAMS = {"ngrams": NGRAMS}


@register(
    task="multi-task text classification",
    summary="Shared bidirectional LSTM, a private layer and a head for each task.",
    paper="Liu, Qiu and Huang 2016 in spirit; Joulin et al. 2016 for the n-gram branch",
    defaults={
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "batch_size": 32,
        "average": 0.75,
    },
    family="classification",
    space={
        **WIDTHS,
        "private_units": Choice(0, 32, 64, 128),
        "ngrams": Choice((), *NGRAMS),
        "ngram_rate": Choice(None, 0.25, 0.5, 0.75, when=_WITH_NGRAMS),
        "ngram_weight": Float(0.3, 0.9, when=_WITH_NGRAMS),
        **DROPOUTS,
        **OF_CELL,
    },
)
def bilstm_mt(
    vocab_size: int = 20000,
    tasks=None,
    *,
    embedding_dim: int = 128,
    units: int = 128,
    cell: str = "lstm",
    rank: int = 32,
    groups: int = 4,
    private_units: int = 64,
    ngrams: Sequence[int] = (1, 2),
    ngram_buckets: int = 2**20,
    ngram_rate: float | None = 0.5,
    ngram_weight: float = 0.7,
    embedding_dropout: float = 0.2,
    dropout: float = 0.5,
) -> keras.Model:
    """Multi-task BiLSTM whose shared trunk runs once for all tasks.

        h_t = →h_t ⊕ ←h_t                                    (shared)
        s = max_t h_t ⊕ mean_t h_t                           (shared)
        p_m = ReLU(W_m dropout(s) + b_m)                     (private to task m)
        output_m = (1 - w) (V_m dropout(p_m) + c_m + v_m) + w n_m

    Tasks with the same labels share `v_m`, the output of another such layer and head,
    which learns from the texts of all of them: the private ones only learn how their
    task differs.

    With `ngrams`, `n_m` is the linear model of `zoo.models.linear`, shared by tasks
    with the same labels: `zoo train` fits it to its optimum, trains the network
    separately, and fits the weights of both on the validation part after each epoch
    (`zoo.layers.Stacking`). With more than 256 labels in all, `n_m` is a table of rank
    16 over word n-grams that is trained by gradients, and `w` is fixed.

    Args:
        vocab_size: number of token ids.
        tasks: in any form that `zoo.tasks.as_tasks` reads.
        embedding_dim: width of the embedding.
        units: width of the state of each direction.
        cell: `"lstm"`, `"factorized"`, `"group"`, `"gru"`, `"sru"`, `"qrnn"`,
            `"mingru"` or `"minlstm"`.
        rank: rank of the gate matrix of a factorized cell.
        groups: groups of a group cell; must divide `embedding_dim` and `units`.
        private_units: width of the private layers; 0 puts the heads on the trunk.
        ngrams: lengths of the n-grams, such as `(1, 2)`; empty for none.
        ngram_buckets: rows of the table of n-grams; if there are fewer than n-grams in
            the training texts, collisions reduce accuracy.
        ngram_rate: with more than 256 labels, share of the texts that train only the
            n-grams, while the others train only the network; `None` trains their mean.
        ngram_weight: with more than 256 labels, `w`.
        embedding_dropout: rate on the embedded words.
        dropout: rate before the private layers and before the heads.

    Returns:
        A functional `keras.Model`: int ids `[batch, time]`, 0 for padding, to a dict
        from task to `[batch, outputs]`.

    Example:
        >>> model = bilstm_mt(100, {"topic": 3, "price": "regression"}, units=4)
        >>> {name: y.shape for name, y in model.output.items()}
        {'topic': (None, 3), 'price': (None, 1)}
    """
    tasks = as_tasks(tasks)
    tokens, mask, x = embedded_tokens(vocab_size, embedding_dim, embedding_dropout)
    both = both_directions(x, mask, units, cell=cell, rank=rank, groups=groups)
    states = keras.layers.Concatenate(name="states")(both)
    shared = max_and_mean(states, mask)
    shared = keras.layers.Dropout(dropout, name="dropout")(shared)

    def after(part: str):
        if not private_units:
            return shared
        own = keras.layers.Dense(private_units, activation="relu", name=part)(shared)
        return keras.layers.Dropout(dropout, name=f"{part}_dropout")(own)

    features = {name: after(layer_name("private", tasks, name)) for name in tasks}
    common = {}
    for index, members in enumerate(same_labels(tasks).values()):
        if len(members) > 1:
            head = keras.layers.Dense(
                tasks[members[0]].outputs, dtype="float32", name=f"common_head_{index}"
            )
            logits = head(after(f"common_{index}"))
            common.update(dict.fromkeys(members, logits))
    linear = linear_beside(
        tokens, mask, tasks, vocab_size=vocab_size, n=ngrams, buckets=ngram_buckets
    )
    branch = None
    if ngrams and linear is None:
        branch = ngram_logits(tokens, mask, tasks, n=ngrams, buckets=ngram_buckets)
    outputs = heads(
        features,
        tasks,
        added=common,
        linear=linear,
        branch=branch,
        branch_rate=ngram_rate,
        branch_weight=ngram_weight,
    )
    return keras.Model(tokens, outputs, name="bilstm_mt")
