"""The embedded pairs: catalogues of messages, read out of wheels."""

from __future__ import annotations

import gettext
import io
import zipfile

import pytest
from catalogues import compiled

from zoo.data import DataError
from zoo.data.download import sha256_of
from zoo.data.sets import messages
from zoo.data.sets.messages import load_messages, read_mo

CATALOGUE = {
    "": "Content-Type: text/plain; charset=UTF-8\n",
    "Save": "Enregistrer",
    "menu\x04Open": "Ouvrir",
    "%d page\0%d pages": "%d page\0%d pages à lire",
    "untranslated": "",
}


@pytest.mark.parametrize("order", "<>")
def test_a_catalogue(order):
    data = compiled(CATALOGUE, order)
    known = gettext.GNUTranslations(io.BytesIO(data))  # the file is a real one
    assert known.gettext("Save") == "Enregistrer"
    assert known.pgettext("menu", "Open") == "Ouvrir"
    assert read_mo(data, "fr.mo") == {
        "Save": "Enregistrer",
        "Open": "Ouvrir",
        "%d page": "%d page",
    }


@pytest.mark.parametrize("cut", [0, 3, 20, 60, -10])
def test_a_damaged_catalogue(cut):
    with pytest.raises(DataError, match="fr.mo: not a message catalogue. Accepted"):
        read_mo(compiled(CATALOGUE)[:cut], "fr.mo")
    with pytest.raises(DataError, match="another magic number"):
        read_mo(b"PK\x03\x04" + bytes(40), "fr.mo")


def fake_wheels(folder, monkeypatch):
    wheels = {}
    for number, (requirement, (file, _)) in enumerate(messages.WHEELS.items()):
        pairs = {f"Word {number} {i}": f"Mot {number} {i}" for i in range(40)}
        pairs |= {"Same": f"Idem {number}", "...": "…"}
        with zipfile.ZipFile(folder / file, "w") as archive:
            for language in ("fr", "fr_FR", "de", "fr_CA"):
                text = {s: f"{t} {language}" for s, t in pairs.items()}
                place = f"some/locale/{language}/LC_MESSAGES/django.mo"
                archive.writestr(place, compiled(text))
        wheels[requirement] = (file, sha256_of((folder / file).read_bytes()))
    monkeypatch.setattr(messages, "WHEELS", wheels)


def test_pairs_of_all_wheels(tmp_path, monkeypatch):
    fake_wheels(tmp_path, monkeypatch)
    parts = load_messages(tmp_path, seed=1)
    pairs = {
        source: target
        for part in (parts.train, parts.valid, parts.test)
        for source, target in zip(part.sources, part.targets, strict=True)
    }
    assert len(pairs) == 3 * 40 + 1  # "Same" once, "..." not at all
    assert pairs["Word 2 7"] == "Mot 2 7 fr_FR" and pairs["Same"] == "Idem 2 fr_FR"


def test_another_wheel_is_refused(tmp_path, monkeypatch):
    fake_wheels(tmp_path, monkeypatch)
    file, _ = next(iter(messages.WHEELS.values()))
    (tmp_path / file).write_bytes(b"something else")
    with pytest.raises(DataError, match=r"'messages'.*corrupted.*sha256"):
        load_messages(tmp_path)


@pytest.mark.slow
@pytest.mark.network
def test_the_real_wheels():
    parts = load_messages()
    assert sum(map(len, (parts.train, parts.valid, parts.test))) > 5500
