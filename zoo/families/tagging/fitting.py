"""Training of taggers: entity F1 selects the epoch, and a killed run continues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from zoo.data.sentences import TaggedSentences
from zoo.data.tag_schemes import OUTSIDE, tags_of_types, types_of
from zoo.families.tagging.batches import TaggedBatches, encode_targets
from zoo.families.tagging.decoder import Decoder, crf_of
from zoo.families.tagging.imbalance import by_label, focal_losses, sentence_repeats
from zoo.families.tagging.metrics import entity_scores
from zoo.families.tagging.pipeline import Sentence
from zoo.families.tagging.settings import TaggingSettings
from zoo.families.tagging.soft import soft_losses, soft_targets
from zoo.layers import CRFLoss
from zoo.tasks import TAGS, Task, safe_names
from zoo.training.checkpoint import Checkpoint, averaged
from zoo.training.distributed.sharing import predict_on_batch
from zoo.training.fit import compiled, make_optimizer, span_momentum
from zoo.training.loop import fit
from zoo.training.losses import task_loss, task_loss_weights
from zoo.training.metrics import evaluate, mean_of_known
from zoo.training.metrics import metrics_of as text_metrics_of
from zoo.training.settings import UNCERTAINTY
from zoo.training.uncertainty import LogTaskWeights, weigh_by_uncertainty

_BUCKETS = 8


def learn_tag_tasks(
    data: TaggedSentences, schemes: Mapping[str, str]
) -> dict[str, Task]:
    """Learns the tasks of tagged sentences, tags first, with the labels that occur.

    Of the tags of a scheme it takes all that the types that occur may have: a few
    sentences may lack some.

    Args:
        data: the training part.
        schemes: by tagging task the scheme of its tags, if it has one.

    Example:
        >>> data = TaggedSentences([["in", "Rome"]], {"ner": [["O", "B-LOC"]]})
        >>> learn_tag_tasks(data, {"ner": "BIO"})["ner"].labels
        ('O', 'B-LOC', 'I-LOC')
    """

    def order(tag: str):
        return tag != OUTSIDE, tag

    tasks = {}
    for name, rows in data.tags.items():
        scheme = schemes.get(name, "")
        found = {tag for row in rows for tag in row}
        if scheme:
            found = set(tags_of_types(types_of(found), scheme))
        tags = tuple(sorted(found, key=order))
        tasks[name] = Task(TAGS, tags, scheme=scheme)
    for name, labels in data.labels.items():
        tasks[name] = Task("categories", tuple(sorted(set(labels))))
    return tasks


def trainer(model: keras.Model, tasks: Mapping[str, Task]) -> keras.Model:
    """Returns the model to fit: the same layers, with the loss of each CRF as output.

    Args:
        model: a tagger of the zoo.
        tasks: its tasks.

    Returns:
        A `keras.Model` on the inputs of `TaggedBatches`, not compiled.
    """
    safe, inputs, outputs = safe_names(tasks), dict(model.input), {}
    mask = model.get_layer("mask").output
    for task in tasks:
        name, crf = safe[task], crf_of(model, tasks, task)
        outputs[name] = model.output[task]
        if crf is not None:
            ids = keras.Input((None,), dtype="int32", name=f"{name}_ids")
            inputs[f"{name}_ids"] = ids
            outputs[name] = crf(outputs[name], ids, mask=mask)
    return keras.Model(inputs, outputs, name=f"{model.name}_trainer")


def train_tagger(
    model: keras.Model,
    tasks: Mapping[str, Task],
    train: tuple[Sequence[Sentence], TaggedSentences],
    valid: tuple[Sequence[Sentence], TaggedSentences] | None,
    settings: TaggingSettings,
    *,
    folder: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: bool = True,
) -> list[dict]:
    """Trains a tagger in place and keeps the weights of its best epoch.

    Args:
        model: a tagger of the zoo.
        tasks: its tasks.
        train: the sentences as ids and as read.
        valid: the same, or `None` to train all epochs and keep the last.
        settings: the training settings.
        folder: for checkpoints; a run that was killed continues from its last epoch.
        callbacks: further Keras callbacks.
        verbose: whether to show progress.

    Returns:
        One dict of logs per epoch, with `val_score`, the mean over the tasks of the
        main metric of `evaluate_tagger`, `val_token_accuracy`, the mean share of
        correct tags and labels, and `seconds`. `val_score` selects the epoch;
        `val_token_accuracy` breaks ties, or decides if there are no entities.
    """
    sentences, data = train
    ids = np.concatenate([sentence.tokens for sentence in sentences])
    size = model.get_layer("embedding").input_dim
    safe, trained = safe_names(tasks), trainer(model, tasks)
    targets = encode_targets(data, tasks)
    with_crf = [name for name in tasks if crf_of(model, tasks, name) is not None]
    soft = soft_targets(data, tasks, targets, with_crf)
    batches = TaggedBatches(
        sentences,
        {**targets, **soft},
        batch_size=settings.batch_size,
        buckets=settings.buckets,
        inputs=trained.input,
        shuffle=True,
        seed=settings.seed,
        rare=np.bincount(ids, minlength=size) == 1,
        replaced=settings.replace_rare or 0.0,
        label_weights=by_label(tasks, targets, settings.imbalance),
        preferred=sentence_repeats(tasks, targets, settings.imbalance),
    )
    chosen = focal_losses(tasks, settings.imbalance)
    chosen |= soft_losses(soft, settings.imbalance) | dict.fromkeys(with_crf, CRFLoss())
    losses = {safe[name]: chosen.get(name, task_loss(t)) for name, t in tasks.items()}
    watching: list[keras.callbacks.Callback] = []
    if valid is not None:
        watching.append(Validation(model, tasks, *valid))
    if settings.loss_weights == UNCERTAINTY:
        trained = weigh_by_uncertainty(trained, tasks, losses)
        watching.append(LogTaskWeights(tasks))
    factors = task_loss_weights(tasks, settings.loss_weights)
    average = span_momentum(settings.average, len(batches))
    trained.compile(
        optimizer=make_optimizer(
            settings.optimizer, settings.learning_rate, 1.0, average
        ),
        loss=losses,
        loss_weights={safe[name]: factors[name] for name in tasks},
        jit_compile=compiled(settings.jit_compile),
    )
    checkpoint = Checkpoint(
        lambda logs: (
            (logs["val_score"], logs["val_token_accuracy"])
            if valid is not None
            else None
        ),
        patience=settings.patience,
        folder=folder,
    )
    return fit(
        trained,
        batches,
        checkpoint,
        epochs=settings.epochs,
        watching=watching,
        callbacks=callbacks,
        verbose=verbose,
    )


class Validation(keras.callbacks.Callback):
    """Adds the scores of the averaged weights to the logs of each epoch.

    Args:
        tagger: the model in training.
        tasks: its tasks.
        sentences: as ids.
        data: the same sentences as read.
    """

    def __init__(self, tagger, tasks, sentences, data) -> None:
        super().__init__()
        self.tasks, self.sentences, self.data = tasks, sentences, data
        self.decoder = Decoder(tagger, tasks)

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        with averaged(self.model):
            found = tag_sentences(self.decoder, self.sentences)
        scores = evaluate_tagger(self.tasks, self.data, found, ranking=False)
        safe = safe_names(self.tasks)
        for name, task in self.tasks.items():
            logs[f"val_{safe[name]}_{metric_of(task)}"] = main_score(task, scores[name])
        logs["val_score"] = mean_score(self.tasks, scores)
        shares = [
            s["token_accuracy" if "token_accuracy" in s else "accuracy"]
            for s in scores.values()
        ]
        logs["val_token_accuracy"] = float(np.mean(shares))


def tag_sentences(
    decoder: Decoder, sentences: Sequence[Sentence], batch_size: int = 64
) -> dict[str, list]:
    """Returns the decoded tags, in the order of the sentences, without padding.

    Returns:
        One entry per sentence, by task: for tags a dict of arrays `ids` and `scores`
        `[words]`, else the logits `[outputs]`.
    """
    if not sentences:
        return {}
    found: list[dict] = [{} for _ in sentences]
    batches = TaggedBatches(
        sentences, batch_size=min(batch_size, len(sentences)), buckets=_BUCKETS
    )
    for index, (rows, _) in enumerate(batches.batches):
        answers = predict_on_batch(decoder, batches[index][0])
        for place, row in enumerate(rows):
            words = sentences[row].words
            found[row] = {
                task: {key: array[place, :words] for key, array in values.items()}
                if isinstance(values, Mapping)
                else values[place]
                for task, values in answers.items()
            }
    return {task: [row[task] for row in found] for task in found[0]}


def evaluate_tagger(
    tasks: Mapping[str, Task],
    data: TaggedSentences,
    found: Mapping,
    *,
    ranking: bool = True,
) -> dict[str, dict]:
    """Returns the scores of each task: `zoo.families.tagging.entity_scores` for tags
    with a scheme, `token_accuracy` for other tags, `zoo.training.metrics.evaluate`
    for labels.

    Args:
        tasks: the tasks by name.
        data: the true tags and labels.
        found: the result of `tag_sentences`.
        ranking: whether to add the scores of the order of the labels' logits.
    """
    scores, targets = {}, encode_targets(data, tasks)
    for name, task in tasks.items():
        if task.kind != TAGS:
            rows = np.array(targets[name])
            ones, logits = np.ones(len(rows)), np.array(found[name])
            scores[name] = evaluate(task, rows, ones, logits, ranking=ranking)
            continue
        names = np.array(task.labels, object)
        predicted = [names[row["ids"]].tolist() for row in found[name]]
        scores[name] = score_tags(task, data.tags[name], predicted)
    return scores


def score_tags(task: Task, true: Sequence, predicted: Sequence) -> dict:
    """Returns entity scores, or only the token accuracy of tags without a scheme.

    Without true entities, precision, recall and F1 are NaN, not 0: they are
    undefined.
    """
    if task.scheme:
        scores = entity_scores(true, predicted)
        undefined = dict.fromkeys(("precision", "recall", "f1"), float("nan"))
        return scores if scores["support"] else {**scores, **undefined}
    pairs = [pair for tags in zip(true, predicted) for pair in zip(*tags, strict=True)]
    equal = sum(one == other for one, other in pairs)
    return {"token_accuracy": equal / max(len(pairs), 1)}


def metric_of(task: Task) -> str:
    """Returns the name of the metric that compares models of a task."""
    if task.kind != TAGS:
        return "accuracy"
    return "f1" if task.scheme else "token_accuracy"


def metrics_of(task: Task) -> Sequence[str]:
    """Returns the names of the scores of `evaluate_tagger` for a task."""
    if task.kind != TAGS:
        return text_metrics_of(task)
    if task.scheme:
        return "f1", "precision", "recall", "token_accuracy"
    return ("token_accuracy",)


def summary(results: Mapping[str, Mapping]) -> str:
    """Returns the main metric of each task in a few words.

    Example:
        >>> summary({"ner": {"f1": 0.9, "precision": 1.0, "token_accuracy": 0.99}})
        'ner f1 90.00'
    """
    order, said = ("f1", "token_accuracy", "accuracy"), []
    for task, found in results.items():
        metric = next(name for name in order if name in found)
        said.append(f"{task} {metric} {100 * found[metric]:.2f}")
    return ", ".join(said)


def main_score(task: Task, scores: Mapping) -> float:
    return float(scores[metric_of(task)])


def mean_score(tasks: Mapping[str, Task], scores: Mapping[str, Mapping]) -> float:
    """Returns the mean over the tasks of their main metrics, if defined."""
    return mean_of_known(main_score(task, scores[n]) for n, task in tasks.items())
