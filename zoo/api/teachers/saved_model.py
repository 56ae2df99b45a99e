"""A teacher that is any TensorFlow SavedModel with a signature that takes strings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from zoo.api.teachers.base import Said, Teacher
from zoo.api.teachers.named_scores import NamedScores
from zoo.api.teachers.trained import digests
from zoo.text import as_bytes

BATCH = 256


class SavedModelTeacher(Teacher):
    """Probabilities of a signature whose only input is strings `[batch]`.

    It is `serving_default`, or else the first one of this kind by name.
    """

    def identity(self) -> list:
        return digests(Path(self.source), "saved_model.pb", "variables/*", "assets/*")

    def ask(self, texts: Sequence[str]) -> Iterator[Said]:
        from zoo.serving.session import load_saved_model
        from zoo.text.imports import tf  # with the operations of tensorflow-text

        loaded = load_saved_model(Path(self.source), trust=self.lesson.trust)
        name, serve, given = self._signature(tf, dict(loaded.signatures))
        read = NamedScores(self)
        for start in range(0, len(texts), BATCH):
            chunk = [as_bytes(text) for text in texts[start : start + BATCH]]
            found = serve(**{given: tf.constant(chunk, tf.string)})
            columns = {key: value.numpy().tolist() for key, value in found.items()}
            if {len(column) for column in columns.values()} != {len(chunk)}:
                what = f"the signature {name!r} gives other rows than it was asked"
                shown = {key: len(column) for key, column in columns.items()}
                raise self.wrong(what, f"{len(chunk)} rows for {len(chunk)}", shown)
            rows = zip(*columns.values(), strict=True)
            yield read([dict(zip(columns, row, strict=True)) for row in rows])

    def _signature(self, tf, signatures: dict):
        names = sorted(signatures, key=lambda name: (name != "serving_default", name))
        for name in names:
            inputs = signatures[name].structured_input_signature[1]
            if [spec.dtype for spec in inputs.values()] == [tf.string]:
                [given] = inputs
                return name, signatures[name], given
        shown = ", ".join(names) or "no signature"
        what, accepted = "no signature takes strings alone", "one input of strings"
        raise self.wrong(what, accepted, f"the signatures {shown}")
