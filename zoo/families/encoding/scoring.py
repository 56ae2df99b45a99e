"""Compares a trained encoder with its teacher on texts."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.families.encoding.metrics import closeness
from zoo.families.encoding.model import EncodingModel
from zoo.families.encoding.settings import EncodingSettings
from zoo.families.encoding.train import ask, teacher_of


def score_texts(text_model: EncodingModel, texts: Sequence[str]) -> dict[str, float]:
    """Returns `cosine`, `spearman` and `pearson` of texts; see `closeness`.

    The teacher is the one that the metadata of the model name; its vectors come from
    the cache if they are there.

    Raises:
        ValueError: if the teacher's file is missing, or another one than in training.
    """
    metadata = text_model.metadata
    settings = EncodingSettings(**metadata["settings"])
    teacher = teacher_of(settings)
    known = metadata["teacher"]["model"]
    if teacher.digests[0] != known:
        raise ValueError(
            "`teacher` must be the one that the model learned from. Accepted: a file "
            f"with the sha256 {known}. Received: {teacher.path}, which has "
            f"{teacher.digests[0]}."
        )
    if not texts:
        return {}
    return closeness(text_model.embed(texts), ask(teacher, texts))
