"""From a trained model to the SavedModel that TF Serving answers with raw strings.

`zoo.export` is this package's `export`. Importing it loads no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = ["ExportError", "ServedModel", "export"]


class ExportError(RuntimeError):
    """The written SavedModel failed its check; nothing was published."""


def export(
    model,
    pipeline,
    folder: str | Path,
    *,
    tasks=None,
    examples: Iterable[str] | None = None,
    metadata: Mapping | None = None,
    keep: int | None = None,
) -> Path:
    """Writes, checks and publishes `<folder>/<next version>/`.

    The SavedModel takes texts and needs none of our Python. Signatures:

    * `serving_default`: `text` string `[batch]` to, for a single task, `label` string
      `[batch]` and `scores` float32 `[batch, labels]`; for several tasks
      `<task>_label` and `<task>_scores` each. Categories: softmax, and the label that
      scores most. Multilabel: sigmoids, and the labels above 0.5 joined by `|`.
      Regression: scores `[batch, 1]` hold the value, the label its decimals.
      Categories that may abstain: `abstained` bool `[batch]` as well, and then `""`
      for the label.
    * `classify` and `regress`, for the server's APIs of these names: `inputs`, which
      are serialized `tf.Example` messages with the feature `text`, to `classes` string
      and `scores` float32 `[batch, labels]` of the first task with labels, and to
      `outputs` float32 `[batch, 1]` of the first regression. Of several tasks each one
      has `classify_<task>` or `regress_<task>`.
    * `embed`: `text` to `embedding` float32 `[batch, units]`, what the heads of a model
      of the zoo read, and `length`, the number of tokens.
    * `tokens`: `text` to `ids` int32 `[batch, time]`, `tokens` string `[batch, time]`
      and `length` int32 `[batch]`, to see what the model sees.

    A language model has instead

    * `generate`: `text`, the prompts, and scalars `max_tokens`, `temperature`, `top_k`,
      `top_p` and `seed` to `text`, the continuations, their `ids` and
      `log_probability`; `serving_default` takes the prompts alone and gives the
      likeliest 32 tokens.
    * `score`: `text` to `log_probability` float32 `[batch]` in nats, the end of the
      text included, and the number of `tokens`.
    * `step`: `ids` int32 `[batch, time]` and `state` to `logits` and the new `state`.

    A tagger has instead

    * `serving_default`: `text` to, all padded behind `lengths` int32 `[batch]`,
      `tokens` string, `starts` and `ends` int32 byte offsets in the text, `tags` string
      and `tag_scores` float32 `[batch, time]`, or for several tagging tasks
      `<task>_tags` and `<task>_tag_scores`; and `<task>_label` and `<task>_scores` of
      each task of whole sentences.
    * `words`: `words` string `[batch, time]`, padded with `""`, to the same but
      `tokens`, `starts` and `ends`.

    A translation model has instead

    * `translate`: `text` and scalars `beam`, `n_best`, `length_penalty`,
      `coverage_penalty` and `max_tokens` (0 for twice the tokens of the source and ten
      more) to `translation` string, `score` and `log_probability` float32
      `[batch, n_best]`, the best first, and `cut` bool `[batch]`, true where a source
      was too long to be read to its end. Where there are not `n_best`, the text is
      empty and its scores are the least float32.
    * `serving_default`: `text` to the same with one translation each, `[batch]`, found
      with the `beam` and `length_penalty` of `metadata["settings"]`, else 5 and 1.

    It is written to a temporary folder beside the versions, loaded in a fresh process
    with only TensorFlow and tensorflow-text by the loader that TF Serving uses, and
    compared with Python's answers; then it is renamed to the next version number. If
    anything fails, no version is left behind.

    Args:
        model: a Keras model from ids int32 `[batch, time]` to a dict of float tensors
            `[batch, outputs]`, one a task; or a language model, a tagger or a
            translation model of the zoo.
        pipeline: the `zoo.text.TextPipeline` that the model was trained with; for a
            tagger its `zoo.families.tagging.pipeline.TaggingPipeline`, for a translation model
            its `zoo.families.translation.pipeline.TranslationPipeline`.
        folder: the model's folder, `saved_models/<name>`.
        tasks: what `zoo.tasks.as_tasks` reads; not for language and translation
            models.
        examples: texts of the kind the model will see, for warmup and for the check;
            some hundred are enough.
        metadata: what else to write under `model` in `metadata.json`.
        keep: how many versions stay, the new one included; older ones are removed but
            for those that `models.config` names. Else all stay.

    Returns:
        The path of the new version.

    Raises:
        ValueError: if the model's outputs are not those of the tasks, `keep` is no
            whole number from 1, or it is given and `models.config` cannot be parsed.
        ExportError: if the check finds a difference or an op that servers lack.
        OSError: if the folder cannot be written.
    """
    from zoo.serving import publish

    return publish.export(
        model, pipeline, folder, tasks=tasks, examples=examples, metadata=metadata,
        keep=keep,
    )  # fmt: skip


def __getattr__(name: str):
    if name == "ServedModel":
        from zoo.serving.served import ServedModel

        return ServedModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
