"""Teachers that translate: models of the zoo, servers and commands."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from zoo.api.teachers.base import Asked
from zoo.api.teachers.command import lines_of
from zoo.api.teachers.kept import Kept, ask_missing
from zoo.api.teachers.opening import kind_of
from zoo.api.teachers.server import answers_of
from zoo.api.teachers.trained import identity_of
from zoo.loading import load
from zoo.text.objects import parse_json
from zoo.training.checkpoint import fingerprint

BATCH = 256
ACCEPTED = (
    "the folder of a run or an export of a translation model of the zoo; "
    "HOST:PORT/MODEL of a TensorFlow Serving; or 'command:PROGRAM ARGUMENTS'"
)


class Translator(Asked):
    """Gives the best translation of each text.

    Args:
        source: what the user named.
        deadline: seconds within which each answer, or batch of answers, must come.
    """

    def __init__(self, source: str, deadline: float) -> None:
        super().__init__(source)
        self.deadline = deadline

    def identity(self) -> list:
        return [self.source]

    @abstractmethod
    def ask(self, texts: Sequence[str]) -> Iterator[list[str]]:
        """Yields translations of some texts at a time; see `Asked.ask`."""

    def count(self, said: Sequence[str]) -> int:
        return len(said)

    def checked(self, said: Sequence[str], texts: Sequence[str]) -> list[str]:
        return list(said)

    def translation(self, answer: Any) -> str:
        """Returns the translation of an answer: it, or its text of that name.

        Raises:
            TeacherError: for an answer without one.
        """
        if isinstance(answer, dict):
            texts = [text for text in answer.values() if isinstance(text, str)]
            answer = answer.get("translation", texts[0] if len(texts) == 1 else answer)
        if not isinstance(answer, str):
            accepted = 'a text, or an object with one, "translation"'
            raise self.wrong("an answer is no translation", accepted, repr(answer)[:80])
        return answer


class OwnTranslator(Translator):
    """A translation model of the zoo: a run, or an export."""

    def __init__(
        self, source: str, deadline: float, exported: bool, trust: bool
    ) -> None:
        super().__init__(source, deadline)
        self.exported, self.trust = exported, trust

    def identity(self) -> list:
        return identity_of(self.source, exported=self.exported)

    def ask(self, texts: Sequence[str]) -> Iterator[list[str]]:
        model = self._loaded()
        for start in range(0, len(texts), BATCH):
            found = model.predict(texts[start : start + BATCH])
            yield [self.translation(answer) for answer in found]

    def _loaded(self):
        if self.exported:
            from zoo.serving.served import ServedModel

            return ServedModel(self.source, trust=self.trust)
        model = load(self.source)
        if model.family != "translation":
            accepted, shown = "a translation model", f"family {model.family}"
            raise self.wrong("it does not translate", accepted, shown)
        return model


class ServerTranslator(Translator):
    """A translation model of a running TensorFlow Serving, by its address."""

    def ask(self, texts: Sequence[str]) -> Iterator[list[str]]:
        for answers in answers_of(self.source, texts, self.deadline):
            yield [self.translation(answer) for answer in answers]


class CommandTranslator(Translator):
    """A command that writes a translation for each line that it reads: a string of
    JSON, or an object with `translation`."""

    def ask(self, texts: Sequence[str]) -> Iterator[list[str]]:
        for line in lines_of(self, texts, self.deadline):
            try:
                yield [self.translation(parse_json(line))]
            except ValueError:
                what, accepted = "an answer cannot be read", 'a "string" of JSON'
                raise self.wrong(what, accepted, repr(line[:80])) from None


class Translations(Kept):
    """The translations of one teacher."""

    def read(self, answer: Any) -> str:
        if not isinstance(answer, str):
            raise TypeError
        return answer

    def each(self, said: Any) -> list[str]:
        return list(said)


def open_translator(source: str, deadline: float, *, trust: bool = False) -> Translator:
    """Returns the translating teacher that a user named.

    Raises:
        ValueError: for something else.
    """
    kind = kind_of(source)
    if kind in ("trained", "exported"):
        return OwnTranslator(source, deadline, kind == "exported", trust)
    if kind == "server":
        return ServerTranslator(source, deadline)
    if kind == "command":
        return CommandTranslator(source, deadline)
    raise ValueError(
        f"`teacher` (--teacher) must translate. Accepted: {ACCEPTED}. "
        f"Received: {source}, the kind {kind}."
    )


def translate(
    teacher: Translator,
    texts: Sequence[str],
    folder: Path,
    say: Callable[[str], object] = lambda line: None,
) -> list[str]:
    """Returns the translations of a teacher; it is only asked what it was not before.

    Args:
        teacher: the teacher.
        texts: the sources.
        folder: keeps the answers.
        say: receives lines on the progress.

    Raises:
        TeacherError: for a teacher that fails; the answers before that are kept.
    """
    identity = [type(teacher).__name__, *teacher.identity(), "translations"]
    kept = Translations(folder / fingerprint(identity)[:32])
    ask_missing(teacher, kept, texts, say)
    return kept.of(texts)
