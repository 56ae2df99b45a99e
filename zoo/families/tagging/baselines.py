"""The baseline of a tagger: each word's most frequent tag, without context."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from zoo.data.sentences import TaggedSentences
from zoo.data.tag_schemes import spans_of, tags_of
from zoo.families.tagging.fitting import score_tags
from zoo.tasks import TAGS, Task


def most_frequent(
    tasks: Mapping[str, Task], train: TaggedSentences, test: TaggedSentences
) -> dict[str, dict]:
    """Scores the most frequent tag of each word, and the most frequent label.

    Words are compared exactly. A word that is not in training gets the most frequent
    tag of all; ties go to the first tag by name. Tags that break their scheme are read
    as conlleval does, and written in the scheme.

    Args:
        tasks: the tasks by name.
        train: sentences to count.
        test: sentences to score.

    Returns:
        The scores by task, as `zoo.families.tagging.fitting.evaluate_tagger` returns
        them; only `accuracy` for labels.

    Example:
        >>> data = TaggedSentences([["in", "Rome"]], {"ner": [["O", "B-LOC"]]})
        >>> task = {"ner": Task("tags", ("O", "B-LOC"), scheme="BIO")}
        >>> most_frequent(task, data, data)["ner"]["f1"]
        1.0
    """
    scores = {}
    for name, task in tasks.items():
        if task.kind != TAGS:
            usual = _best(Counter(train.labels[name]))
            hits = sum(label == usual for label in test.labels[name])
            scores[name] = {"accuracy": hits / max(len(test), 1)}
            continue
        counts: dict = defaultdict(Counter)
        for words, tags in zip(train.tokens, train.tags[name]):
            for word, tag in zip(words, tags):
                counts[word][tag] += 1
        best = {word: _best(found) for word, found in counts.items()}
        rest = _best(sum(counts.values(), Counter()))
        predicted = [[best.get(w, rest) for w in words] for words in test.tokens]
        if task.scheme:
            predicted = [
                tags_of(spans_of(tags), len(tags), task.scheme) for tags in predicted
            ]
        scores[name] = score_tags(task, test.tags[name], predicted)
    return scores


def _best(counts: Counter) -> str:
    return min(counts, key=lambda name: (-counts[name], name))
