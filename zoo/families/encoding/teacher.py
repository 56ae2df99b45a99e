"""The teacher: a sentence encoder in an ONNX file, with its `tokenizer.json`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.families.encoding.extra import need
from zoo.training.kept import sha256_of

TOKENIZER = "tokenizer.json"
REQUIRED = ("input_ids", "attention_mask")
_KNOWN = (*REQUIRED, "token_type_ids")
_SENTENCE = "sentence_embedding"  # an output that is pooled already
LETTERS = 64  # characters read of a text for each of its tokens
_ROWS = 32  # texts of a batch
_INTEGERS = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
_REMEDY = "Accepted: the ONNX file of a sentence encoder"


class Teacher:
    """Vectors of texts by an ONNX model, each of length 1.

    The model has the inputs `input_ids`, `attention_mask` and maybe `token_type_ids`,
    int64 or int32 `[batch, time]`. Its output `sentence_embedding` `[batch, width]` is
    taken as it is; else its first output `[batch, time, width]` is averaged under the
    attention mask. Either is normalised.

    Args:
        path: the ONNX file.
        tokenizer: its `tokenizer.json`; by default the one beside the ONNX file, or in
            the folder above.
        max_length: tokens read of a text.

    Attributes:
        width: width of a vector.
        digests: sha256 of the ONNX file and of the tokenizer.

    Raises:
        ImportError: without the extra `teacher`.
        ValueError: for a file that is no sentence encoder in ONNX, or a tokenizer that
            cannot be read or has more tokens than the model.
    """

    def __init__(
        self, path: str | Path, tokenizer: str | Path = "", *, max_length: int = 128
    ) -> None:
        self.path = _existing(path, "teacher", "the path of an ONNX file")
        self.tokenizer_path = _beside(self.path, tokenizer)
        self.max_length = max_length
        self._session = _session(self.path)
        self._types = _input_types(self.path, self._session)
        self._output = _output(self.path, self._session)
        self._tokenizer = _tokenizer(self.tokenizer_path, max_length)
        self.digests = [sha256_of(self.path), sha256_of(self.tokenizer_path)]
        # The last token fails if the model has fewer.
        last = self._tokenizer.get_vocab_size(with_added_tokens=True) - 1
        short, long = (self._run([[last] * count]) for count in (1, 2))
        self.width = short.shape[1]
        if long.shape != short.shape:
            raise self._no_vectors(long.shape, 1, 2)

    def __call__(self, texts: Sequence[str], first: int = 0) -> np.ndarray:
        """Returns float16 vectors `[texts, width]`.

        Batches hold texts of similar length; the order is that of `texts`.

        Args:
            texts: any strings.
            first: number of the first text, for messages.

        Raises:
            ValueError: for a vector that has no direction, such as NaN.
        """
        found = np.zeros((len(texts), self.width), np.float16)
        ids = [one.ids or [0] for one in self._encoded(texts)]
        for rows in _alike(ids):
            vectors = self._run([ids[row] for row in rows])
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            bad = ~(np.isfinite(lengths) & (lengths > 0))[:, 0]
            if bad.any():
                self._raise_bad(texts, rows[bad].min(), first)
            found[rows] = vectors / lengths
        return found

    def states(
        self, texts: Sequence[str]
    ) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Yields the vectors of the tokens of each text, in any order of the texts.

        Args:
            texts: any strings.

        Yields:
            The number of a text; int `[tokens, 2]`, the first character of each token
            and the one after its last, equal for a token without a character; and
            float32 `[tokens, width]`.

        Raises:
            ValueError: for a model without vectors of tokens, or one that gives NaN.
        """
        output = self._states_output()
        encoded = self._encoded(texts)
        ids = [one.ids or [0] for one in encoded]
        for rows in _alike(ids):
            states, mask = self._ask([ids[row] for row in rows], output)
            for row, found, real in zip(rows.tolist(), states, mask, strict=True):
                found = found[real > 0]
                if not np.isfinite(found).all():
                    self._raise_bad(texts, row, 0)
                yield row, np.array(encoded[row].offsets or [(0, 0)]), found

    def _states_output(self) -> str:
        outputs = self._session.get_outputs()
        for found in outputs:
            if len(found.shape or ()) == 3:
                return found.name
        listed = ", ".join(f"{found.name} {found.shape}" for found in outputs)
        raise ValueError(
            "`token_weight` needs a teacher with vectors of tokens. Accepted: an "
            "output [batch, time, width], or token_weight=0. "
            f"Received: {self.path} with the outputs {listed}."
        )

    def _encoded(self, texts: Sequence[str]) -> list:
        most = LETTERS * self.max_length  # a book on one line takes minutes
        return self._tokenizer.encode_batch(
            [text[:most].encode("utf-8", "replace").decode("utf-8") for text in texts]
        )

    def _run(self, ids: Sequence[Sequence[int]]) -> np.ndarray:
        """Returns float32 vectors `[rows, width]` of rows of ids, not normalised."""
        states, mask = self._ask(ids, self._output)
        if states.ndim == 3 and states.shape[:2] == mask.shape:
            real = mask[..., None].astype(np.float32)
            return (states * real).sum(1) / real.sum(1)
        if states.ndim == 2 and len(states) == len(mask):
            return states
        raise self._no_vectors(states.shape, *mask.shape)

    def _ask(
        self, ids: Sequence[Sequence[int]], output: str
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns one output of the model as float32, and the mask `[rows, time]`."""
        shape = len(ids), max(map(len, ids))
        tokens, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row, values in enumerate(ids):
            tokens[row, : len(values)], mask[row, : len(values)] = values, 1
        given = {
            "input_ids": tokens,
            "attention_mask": mask,
            "token_type_ids": np.zeros(shape, np.int64),
        }
        feed: dict = {
            name: given[name].astype(kind) for name, kind in self._types.items()
        }
        try:
            [found] = self._session.run([output], feed)
        except Exception as error:  # onnxruntime has a class of its own for each kind
            raise self._unfit(error) from None
        return np.asarray(found, np.float32), mask

    def _no_vectors(self, found: Sequence[int], rows: int, time: int) -> ValueError:
        return ValueError(
            f"`teacher` must give a vector for each text. {_REMEDY}, with an output "
            "[batch, width] or [batch, time, width]. Received: "
            f"{self.path}, whose output {self._output!r} has the shape {list(found)} "
            f"for {rows} text(s) of {time} token(s)."
        )

    def _unfit(self, error: Exception) -> ValueError:
        size = self._tokenizer.get_vocab_size(with_added_tokens=True)
        return ValueError(
            "`teacher_tokenizer` (--tokenizer) must be the tokenizer of the teacher, "
            "whose ids the model knows. Accepted: the tokenizer.json that was "
            f"published with {self.path}. Received: {self.tokenizer_path} with {size} "
            f"tokens, and the model failed: {_line(error)}"
        )

    def _raise_bad(self, texts: Sequence[str], row: int, first: int) -> None:
        raise ValueError(
            "`teacher` must give finite vectors with a direction. "
            f"{_REMEDY} that works on this text. Received: {self.path}, which gives "
            f"NaN or zeros for text {first + row + 1}, {texts[row][:60]!r}."
        )


def _alike(ids: Sequence[Sequence[int]]) -> Iterator[np.ndarray]:
    """Yields the numbers of rows for each batch, of rows with similar lengths."""
    order = np.argsort([len(row) for row in ids], kind="stable")
    for start in range(0, len(order), _ROWS):
        yield order[start : start + _ROWS]


def _existing(path: str | Path, argument: str, accepted: str) -> Path:
    found = Path(path)
    if not str(path) or not found.is_file():
        received = f"{path!s}, which is no file" if str(path) else "none"
        raise ValueError(
            f"`{argument}` (--{argument.removeprefix('teacher_')}) must name a file. "
            f"Accepted: {accepted}. Received: {received}."
        )
    return found


def _beside(path: Path, tokenizer: str | Path) -> Path:
    accepted = f"a {TOKENIZER} of the package tokenizers, by default beside {path}"
    if str(tokenizer):
        return _existing(tokenizer, "teacher_tokenizer", accepted)
    places = [path.parent / TOKENIZER, path.parent.parent / TOKENIZER]
    chosen = next((place for place in places if place.is_file()), places[0])
    return _existing(chosen, "teacher_tokenizer", accepted)


def _session(path: Path) -> Any:
    runtime = need("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # errors are raised
    try:
        return runtime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime has a class of its own for each kind
        raise ValueError(
            f"`teacher` must be a model in ONNX. {_REMEDY}. "
            f"Received: {path}, which cannot be read: {_line(error)}"
        ) from None


def _input_types(path: Path, session) -> dict[str, type]:
    found = {given.name: given.type for given in session.get_inputs()}
    fits = set(REQUIRED) <= set(found) <= set(_KNOWN)
    if not fits or not set(found.values()) <= set(_INTEGERS):
        listed = ", ".join(f"{name} {kind}" for name, kind in found.items())
        raise ValueError(
            "`teacher` must read tokens. Accepted: the inputs "
            f"{' and '.join(REQUIRED)}, and maybe {_KNOWN[-1]}, of int64 or int32. "
            f"Received: {path} with the inputs {listed or 'none'}."
        )
    return {name: _INTEGERS[kind] for name, kind in found.items()}


def _output(path: Path, session) -> str:
    outputs = session.get_outputs()
    names = [found.name for found in outputs]
    if _SENTENCE in names:
        return _SENTENCE
    ranks = [len(found.shape or ()) for found in outputs]
    for rank in (3, 2):
        if rank in ranks:
            return names[ranks.index(rank)]
    listed = ", ".join(f"{found.name} {found.shape}" for found in outputs)
    raise ValueError(
        f"`teacher` must give vectors. Accepted: an output {_SENTENCE!r} "
        "[batch, width], or one [batch, time, width]. "
        f"Received: {path} with the outputs {listed or 'none'}."
    )


def _tokenizer(path: Path, max_length: int) -> Any:
    tokenizers = need("tokenizers")
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the package raises `Exception` itself
        raise ValueError(
            "`teacher_tokenizer` (--tokenizer) must be a file of the package "
            f"tokenizers. Accepted: a {TOKENIZER}. "
            f"Received: {path}, which cannot be read: {_line(error)}"
        ) from None
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    return tokenizer


def _line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0][:200]
