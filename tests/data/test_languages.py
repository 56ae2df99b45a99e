"""Messages with their language, read out of wheels."""

from __future__ import annotations

import zipfile
from collections import Counter

import pytest
from catalogues import compiled

from zoo.data import DataError, load_named
from zoo.data.download import sha256_of
from zoo.data.sets import languages
from zoo.data.sets.languages import LEAST, code_of, load_languages, plain

LOCALES = ("de", "pt_BR", "pt_PT", "zh_TW", "zh", "sr@latin")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A wheel of 400 messages in several languages; few of them in Serbian."""
    with zipfile.ZipFile(tmp_path / "some.whl", "w") as archive:
        for locale in LOCALES:
            count = 50 if locale.startswith("sr") else 400
            pairs = {f"Open %(name)s <b>{i}</b>": f"{locale} {i}" for i in range(count)}
            pairs |= {"Wagtail": "Wagtail", "12": "12!", "Stop": "Halt"}
            place = f"pkg/locale/{locale}/LC_MESSAGES/django.mo"
            archive.writestr(place, compiled(pairs))
            archive.writestr(f"pkg/locale/{locale}/LC_MESSAGES/django.po", b"text")
    digest = sha256_of((tmp_path / "some.whl").read_bytes())
    monkeypatch.setattr(languages, "WHEELS", {"some==1": ("some.whl", digest)})
    return tmp_path


def test_the_languages_and_their_messages(folder):
    splits = load_languages(folder, seed=1)
    rows = {}
    for part in splits.parts.values():
        rows.update(zip(part.texts, part.labels["language"], strict=True))
    # Both kinds of Portuguese; "zh" alone could be either; Serbian has too few.
    assert set(rows.values()) == {"de", "pt", "zh-Hant", "en"}
    assert rows["de 7"] == "de" and rows["pt PT 7"] == rows["pt BR 7"] == "pt"
    assert rows["Open 7"] == "en" and "12!" not in rows
    assert rows["Wagtail"] == "en"  # a message that equals its source
    assert min(Counter(rows.values()).values()) >= LEAST


def test_translations_of_a_message_are_in_one_part(folder):
    places: dict[str, set[str]] = {}
    for name, part in load_languages(folder).parts.items():
        for text in part.texts:
            if (number := text.split()[-1]).isdecimal():
                places.setdefault(number, set()).add(name)
    assert len(places) == 400 and all(len(found) == 1 for found in places.values())
    assert {*set.union(*places.values())} == {"train", "valid", "test"}


def test_markup_is_no_text():
    assert plain("Visit https://a.org/x or {place}, %s &amp; &nbsp;%(who)s") == (
        "Visit or ,"
    )
    assert plain("&Save `as` **is**_now_") == "Save as is now"


def test_codes():
    names = ("nb_NO", "no", "ca@valencia", "zh_HK", "zh_CN", "zh", "hr_HR")
    assert [*map(code_of, names)] == ["nb", "nb", "ca", "zh-Hant", "zh-Hans", "", "hr"]


def test_another_wheel(folder):
    (folder / "some.whl").write_bytes(b"another")
    with pytest.raises(DataError, match=r"'languages'.*corrupted.*sha256"):
        load_languages(folder)


@pytest.mark.slow
@pytest.mark.network
def test_the_real_wheels_of_languages():
    splits = load_named("languages")
    labels = [
        label for part in splits.parts.values() for label in part.labels["language"]
    ]
    counts = Counter(labels)
    assert len(counts) >= 80 and min(counts.values()) >= LEAST
    assert {"de", "en", "fr", "ja", "zh-Hans", "sw"} <= {*counts}
