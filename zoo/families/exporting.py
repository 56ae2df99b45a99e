"""`zoo.export`: writes a trained model as a SavedModel for TF Serving."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from zoo.families._registry import families, get_family
from zoo.models._registry import describe, list_models
from zoo.text.pairs import each_pair


def export(
    model,
    pipeline,
    folder: str | Path,
    *,
    tasks=None,
    examples: Iterable | None = None,
    metadata: Mapping | None = None,
    keep: int | None = None,
    family: str | None = None,
    explain: bool = False,
) -> Path:
    """Writes, checks and publishes `<folder>/<next version>/`.

    The SavedModel takes texts and needs none of our Python. Signatures:

    * `serving_default`: `text` string `[batch]` to, for a single task, `label` string
      `[batch]` and `scores` float32 `[batch, labels]`; for several tasks
      `<task>_label` and `<task>_scores` each. Categories: softmax, and the label with
      the highest score. Multilabel: sigmoids, and the labels above their thresholds
      (0.5 if they were not tuned) joined by `|`. Regression: scores `[batch, 1]` hold
      the value, the label its decimals.
      Categories that may abstain: also `abstained` bool `[batch]`, with the label `""`
      if it is true.
    * `classify` and `regress`, for the server's APIs of these names: `inputs`, which
      are serialized `tf.Example` messages with the feature `text`, to `classes` string
      and `scores` float32 `[batch, labels]` of the first task with labels, and to
      `outputs` float32 `[batch, 1]` of the first regression. With several tasks each
      has `classify_<task>` or `regress_<task>`.
    * `embed`: `text` to `embedding` float32 `[batch, units]`, the input of the heads of
      a model of the zoo, and `length`, the number of tokens.
    * `explain`, if asked for: `text` to `lengths` int32 `[batch]` and, padded beyond
      it, `words` string, `starts` and `ends` int32 byte offsets in the text, and
      `shares` float32 `[batch, words]`; and to `label` string, `score`, `base`, `gap`
      and int32 `steps` `[batch]`. With several tasks each has `<task>_shares` and so
      on. See `zoo.reporting.explanation.Explanation`. Of a pair, `first_lengths` int32
      `[batch]` of the words are of the first text.
    * `tokens`: `text` to `ids` int32 `[batch, time]`, `tokens` string `[batch, time]`
      and `length` int32 `[batch]`: the input of the model.

    A classifier of pairs of texts has the inputs `text` and `text_pair` in place of
    `text`, both string `[batch]`, and the same two features of its `tf.Example`s.

    Signatures of a language model:

    * `generate`: `text`, the prompts, and scalars `max_tokens`, `temperature`, `top_k`,
      `top_p` and `seed` to `text`, the continuations, their `ids` and
      `log_probability`; `serving_default` takes only the prompts and gives the
      likeliest 32 tokens.
    * `score`: `text` to `log_probability` float32 `[batch]` in nats, the end of the
      text included, and the number of `tokens`.
    * `step`: `ids` int32 `[batch, time]` and `state` to `logits` and the new `state`.

    Signatures of a tagger:

    * `serving_default`: `text` to `lengths` int32 `[batch]` and, padded beyond it,
      `tokens` string, `starts` and `ends` int32 byte offsets in the text, `tags` string
      and `tag_scores` float32 `[batch, time]`, or for several tagging tasks
      `<task>_tags` and `<task>_tag_scores`; and `<task>_label` and `<task>_scores` of
      each task of whole sentences.
    * `words`: `words` string `[batch, time]`, padded with `""`, to the same except
      `tokens`, `starts` and `ends`.

    Signatures of a translation model:

    * `translate`: `text` and scalars `beam`, `n_best`, `length_penalty`,
      `coverage_penalty` and `max_tokens` (0 for twice the tokens of the source and ten
      more) to `translation` string, `score` and `log_probability` float32
      `[batch, n_best]`, the best first, and `cut` bool `[batch]`, true if a source was
      too long to be read completely. If there are fewer than `n_best`, the remaining
      texts are empty and their scores are the lowest float32.
    * `serving_default`: `text` to the same with one translation each, `[batch]`, found
      with the `beam` and `length_penalty` of `metadata["settings"]`, else 5 and 1.

    Signatures of a sentence encoder:

    * `serving_default`: `text` to `embedding` float32 `[batch, width]`, of length 1;
      `embed`: to the same, and `length`, the number of tokens.

    It is written to a temporary folder in the same place, loaded in a fresh process
    with only TensorFlow and tensorflow-text by the loader of TF Serving, and compared
    with Python's answers; then it is renamed to the next version number. If anything
    fails, no version is created.

    Args:
        model: a Keras model from ids int32 `[batch, time]` to a dict of float tensors
            `[batch, outputs]`, one per task; or a language model, a tagger or a
            translation model of the zoo.
        pipeline: the `zoo.text.TextPipeline` that the model was trained with; for a
            tagger its `TaggingPipeline`, for a translation model its
            `TranslationPipeline`.
        folder: the model's folder, `saved_models/<name>`.
        tasks: what `zoo.tasks.as_tasks` reads; not for language and translation
            models.
        examples: texts of the kind the model will see, or pairs of texts, for warmup
            and for the check; some hundred are enough.
        metadata: further entries to write under `model` in `metadata.json`.
        family: name of the family that serves the model; by default that of its
            registered builder, or else of its pipeline.
        explain: whether a classifier has the signature `explain`.
        keep: number of versions to keep, including the new one; older ones are removed
            unless `models.config` names them. By default all are kept.

    Returns:
        The path of the new version.

    Raises:
        ValueError: if the model's outputs do not match the tasks, or `keep` is not a
            positive whole number.
        ExportError: if the check finds a difference or an op that servers lack.
        OSError: if the folder cannot be written.
    """
    from zoo.serving.expected import sample  # it loads TensorFlow
    from zoo.serving.publish import publish

    chosen = get_family(family or _family_of(model, pipeline, metadata or {}))
    if examples is not None and getattr(pipeline, "pairs", False):
        examples = each_pair(examples, "examples")
    texts = sample(examples)
    servable = chosen.servable(model, pipeline, tasks, texts, metadata or {})
    if explain:
        servable = chosen.explaining(servable, texts)
    described = {**(metadata or {}), "family": chosen.name}
    return publish(servable, folder, examples=texts, metadata=described, keep=keep)


def _family_of(model, pipeline, metadata: Mapping) -> str:
    for name in (metadata.get("name"), model.name):
        if name in list_models():
            return describe(name).family
    return next(
        name
        for name, family in families().items()
        if isinstance(pipeline, family.text_model().pipeline_class)
    )
