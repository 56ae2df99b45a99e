"""The page in Chromium, by keyboard, with the models of the other tests.

`CHROMIUM_BIN` names the program; see `browser.py`.
"""

from __future__ import annotations

import os

import pytest
from browser import Browser
from demo_toys import FOLDERS

PROGRAM = os.environ.get("CHROMIUM_BIN")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.tensorflow,
    pytest.mark.skipif(not PROGRAM, reason="CHROMIUM_BIN names no Chromium"),
]
STATUS = "document.getElementById('status').textContent"
SCHEMES = ("light", "dark")
TAB, ENTER, DOWN, CONTROL = ("Tab", 9), ("Enter", 13, "\r"), ("ArrowDown", 40), 2


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    found = Browser(PROGRAM, tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


@pytest.fixture
def page(browser, server):
    """The page, whose first model is ready; no script may fail on it."""
    browser.events.clear()
    browser("Page.navigate", url=server.url)
    browser.wait("document.querySelectorAll('#model option').length > 0")
    browser.wait(f"{STATUS}.endsWith('can be asked.')")
    yield browser
    kinds = ("Runtime.exceptionThrown", "Log.entryAdded")
    assert not [event for event in browser.events if event.get("method") in kinds]


def names(browser, role: str) -> list[str]:
    """What a screen reader says of each element of a role."""
    nodes = browser("Accessibility.getFullAXTree")["nodes"]
    shown = [node for node in nodes if not node["ignored"]]
    return [n["name"]["value"] for n in shown if n["role"]["value"] == role]


def focused(browser) -> str:
    return browser.evaluate("document.activeElement.id || document.activeElement.type")


def test_a_text_is_asked_by_keyboard(page):
    order = []
    for _ in range(7):
        page.press(*TAB)
        order.append(focused(page))
    assert order == [
        "model", "other", "text-0", "explain", "submit", "labeller", "file"
    ]  # fmt: skip
    page.evaluate("document.getElementById('text-0').focus()")
    page("Input.insertText", text="a <b>good</b> day <img src=x onerror=alert(1)>")
    page.press(*ENTER, modifiers=CONTROL)
    page.wait("document.querySelectorAll('.moved').length")
    assert page.evaluate("document.querySelectorAll('main img, main b').length") == 0
    shown = page.evaluate("document.querySelector('.moved .text').textContent")
    assert shown == "a <b>good</b> day <img src=x onerror=alert(1)>"
    assert focused(page) == "text-0"
    for scheme in SCHEMES:
        assert least_contrast(page, scheme) >= 4.5
    page.wait(f"{STATUS}.endsWith('with what explains them.')")
    assert [name for name in names(page, "heading") if name == "mood"]
    assert "Ask" in names(page, "button")
    assert names(page, "textbox") == ["Text"]
    assert names(page, "combobox") == ["Model", "Compare with", "Model"]


def choose(page, name: str) -> None:
    """Chooses a model, as the list does, and waits until it can be asked."""
    page.evaluate(
        f"document.getElementById('model').value = {name!r};"
        "document.getElementById('model').dispatchEvent(new Event('change'))"
    )
    page.wait(f"{STATUS} == {name!r} + ' can be asked.'")


def explain(page, name: str, text: str) -> None:
    """Asks a model, and waits until the answer is explained."""
    choose(page, name)
    page.evaluate(f"document.getElementById('text-0').value = {text!r}")
    page.evaluate("document.querySelector('#ask button').click()")
    page.wait(f"{STATUS}.endsWith('with what explains them.')")


@pytest.mark.parametrize("width", [320, 1200])
def test_attention_is_a_table_that_fits_the_screen(page, server, width):
    sizes = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page("Emulation.setDeviceMetricsOverride", **sizes)
    text = "a good day, so good and not so bad"
    explain(page, FOLDERS["translation"], text)
    [seen] = server.models[FOLDERS["translation"]].model.attention([text])
    assert names(page, "columnheader") == [*seen.source]
    assert names(page, "rowheader") == [*seen.target]
    cells = "[...document.querySelectorAll('.looked tbody td')].map(c => c.textContent)"
    shown = [float(cell) for cell in page.evaluate(cells)]
    assert shown == pytest.approx(100 * seen.weights.ravel(), abs=0.51)
    colours = "document.querySelectorAll('.looked tbody td')[%d]"
    colour = f"getComputedStyle({colours}).backgroundColor"
    places = int(seen.weights.argmax()), int(seen.weights.argmin())
    assert page.evaluate(colour % places[0]) != page.evaluate(colour % places[1])
    assert "attention" in names(page, "heading") + names(page, "region")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('.wide').tabIndex") == 0
    for scheme in SCHEMES:
        assert least_contrast(page, scheme) >= 4.5


def test_experts_have_numbers_and_colours(page, server):
    explain(page, "experts", "so <b>good</b>")
    [[layer]] = server.models["experts"].model.experts(["so <b>good</b>"])
    items = "[...document.querySelectorAll('.routed li')].map(i => i.textContent)"
    shown = page.evaluate(items)
    assert shown == [
        choice.text
        + "".join(
            f" expert {number} {100 * gate:.1f} %"
            for number, gate in zip(choice.experts, choice.gates)
        )
        for choice in layer.choices
    ]
    marks = "[...document.querySelectorAll('.routed mark')].map(m => m.className)"
    used = [number for choice in layer.choices for number in choice.experts]
    assert page.evaluate(marks) == [f"tone-{number % 8}" for number in used]
    for scheme in SCHEMES:
        assert least_contrast(page, scheme) >= 4.5


def test_two_models_and_an_error_are_shown(page, stub):
    page.evaluate("document.getElementById('explain').click()")
    page.evaluate("document.getElementById('other').focus()")
    for _ in range(6):  # past the four of folders and the encoder, to the pairs
        page.press(*DOWN)
    page.wait("document.querySelectorAll('textarea').length == 2")
    page.evaluate("document.querySelector('#ask button').click()")
    page.wait("document.querySelectorAll('#answers article').length == 3")
    assert page.evaluate("document.querySelectorAll('.abstained').length") == 1
    page.wait(f"{STATUS}.startsWith('The answers are there.')")
    spoken = page.evaluate(STATUS)
    assert f"{FOLDERS['classification']}, mood: " in spoken
    assert "pairs, mood: abstained; tags: a, b." in spoken
    stub.predict = lambda texts: {}[0]
    try:
        page.evaluate("document.querySelector('#ask button').click()")
        page.wait("document.querySelector('#answers [role=alert]')")
    finally:
        del stub.predict
    said = page.evaluate("document.querySelector('[role=alert]').textContent")
    assert "KeyError" in said
    page.wait("document.querySelectorAll('#answers article').length == 1")
    page.events[:] = [e for e in page.events if "500" not in str(e)]


@pytest.mark.parametrize("width", [320, 1200])
def test_a_table_is_labelled_and_fits_the_screen(page, tmp_path, width):
    sizes = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page("Emulation.setDeviceMetricsOverride", **sizes)
    table = tmp_path / "a table with a long name.csv"
    table.write_text("text;n\n" + "so good;1\n" * 300)
    root = page("DOM.getDocument")["root"]["nodeId"]
    field = page("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
    page("DOM.setFileInputFiles", nodeId=field, files=[str(table)])
    page.wait("!document.getElementById('start').hidden")
    assert page.evaluate("document.getElementById('column-0').value") == "text"
    page.evaluate("document.getElementById('start').click()")
    page.wait("document.querySelector('#result a')")
    said = page.evaluate("document.activeElement.textContent")
    assert said == "Download a table with a long name-labelled.csv"
    fetched = "fetch(document.querySelector('#result a').href).then(r => r.text())"
    page.evaluate(f"{fetched}.then(text => (window.fetched = text))")
    page.wait("window.fetched")
    lines = page.evaluate("window.fetched").splitlines()
    assert len(lines) == 301 and lines[0] == "text,n,predicted_mood,score_mood"
    wide = "document.documentElement.scrollWidth"
    assert page.evaluate(wide) <= width
    for scheme in SCHEMES:
        assert least_contrast(page, scheme) >= 4.5


CONTRAST = """(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const behind = (element) => {
    const own = channels(getComputedStyle(element).backgroundColor);
    const alpha = own[3] ?? 1;
    if (alpha === 1 || !element.parentElement) return own;
    const under = behind(element.parentElement);
    return under.map((v, n) => alpha * own[n] + (1 - alpha) * v).slice(0, 3);
  };
  const shown = [...document.querySelectorAll("body *")].filter((element) =>
    element.checkVisibility() && !element.disabled &&
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return Math.min(...shown.map((element) => {
    const text = channels(getComputedStyle(element).color);
    const both = [text, behind(element)].map(light);
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
  }));
})()"""


def least_contrast(page, scheme: str) -> float:
    """The least contrast of a text with its background (WCAG 2.2, 1.4.3)."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page("Emulation.setEmulatedMedia", features=features)
    return page.evaluate(CONTRAST)
