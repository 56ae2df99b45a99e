"""Counts made once give the features of vectorizers that are fitted to some rows."""

import numpy as np
import pytest
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from zoo.families.classification.counted import (
    Counted,
    character_options,
    word_options,
)

TEXTS = [
    "the good one",
    "The BAD one!",
    "good, good; not so bad",
    "caf\u00e9 \u597d",
    "one more good one",
    "",
]


@pytest.mark.parametrize("words", ["words", "words and marks"])
@pytest.mark.parametrize("characters", [False, True])
@pytest.mark.parametrize("min_df", [1, 2])
def test_features_are_those_of_fitted_vectorizers(words, characters, min_df):
    rows, others = np.array([0, 2, 4, 5]), np.array([1, 3])
    counted = Counted(TEXTS, np.arange(6))
    seen, unseen = counted.features(
        words, characters, rows, others, min_df=min_df, most=100
    )
    options = [word_options(words), *([character_options()] if characters else [])]
    fitted = [TfidfVectorizer(min_df=min_df, sublinear_tf=True, **o) for o in options]
    for found, chosen, fit in ((seen, rows, True), (unseen, others, False)):
        texts = [TEXTS[row] for row in chosen]
        expected = hstack(
            [v.fit_transform(texts) if fit else v.transform(texts) for v in fitted]
        )
        # Their columns are in alphabetical order within other words.
        assert found.shape == expected.shape
        np.testing.assert_allclose(
            np.sort(found.toarray(), axis=1), np.sort(expected.toarray(), axis=1)
        )
        np.testing.assert_allclose(
            (found @ found.T).toarray(), (expected @ expected.T).toarray(), atol=1e-12
        )


def test_only_some_rows_are_counted():
    counted = Counted(TEXTS, np.array([1, 4]))
    seen, unseen = counted.features(
        "words", False, np.array([4]), np.array([1]), min_df=1, most=100
    )
    assert seen.shape[0] == unseen.shape[0] == 1 and unseen.nnz == 1  # "one"


def test_the_most_frequent_features_are_kept():
    counted = Counted(["a b", "b b", "b c"])
    seen, _ = counted.features(
        "words and marks", False, np.arange(3), np.arange(0), min_df=1, most=1
    )
    np.testing.assert_array_equal(seen.toarray(), np.ones((3, 1)))


@pytest.mark.parametrize("texts", [["", " "], ["one", "two"]])
def test_without_frequent_words_there_are_no_features(texts):
    both = np.arange(2)
    seen, unseen = Counted(texts).features("words", True, both, both, min_df=2, most=9)
    assert seen.shape == unseen.shape == (2, 0)
