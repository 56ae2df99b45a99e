"""What `zoo` writes to pipes and reads from them, and commands that a shell takes."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from zoo.cli.app import main, parser
from zoo.reporting.terminal import (
    can_print,
    input_lines,
    one_line,
    output,
    shell_command,
)

SAVED = Path(__file__).parents[1] / "data" / "before_families"
SOURCES = Path(zoo.__file__).parent
HOSTILE = [
    "`touch pwned` and $(touch pwned) for $HOME ${PATH} $((1+1))",
    'so good! "very" good!! !zoo !! !-1 !$',
    "it's 'fine', isn't it''",
    "back\\slash \\n \\",
    "a; touch pwned & touch pwned | tee pwned > pwned < none && touch pwned",
    "* ? [a-z] ~ ~root {a,b} # no comment",
    "",
    " ",
    "caf\u00e9 \u597d \U0001f600",
    "%s %d \t tab",
]


def command(*arguments, **options):
    """A real process with the environment of the tests, and `environment` over it."""
    environment = {**os.environ, **options.pop("environment", {})}
    return subprocess.run(
        [sys.executable, "-m", "zoo.cli", *map(str, arguments)],
        env=environment,
        timeout=300,
        **options,
    )


def stream(content=b"", **options):
    return io.TextIOWrapper(io.BytesIO(content), **options)


def broken_pipe():
    """The writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def test_a_reader_that_has_left_is_no_error():
    writing = broken_pipe()
    try:
        done = command("list", stdout=writing, stderr=subprocess.PIPE)
    finally:
        os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 141, "128 + SIGPIPE, as a shell says of other programs"


def test_head_takes_the_first_line():
    zoo_list = shell_command(sys.executable, "-m", "zoo.cli", "list")
    done = subprocess.run(
        ["sh", "-c", f"{zoo_list} | head -1"], capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.split()[0] == zoo.list_models()[0]
    assert done.stdout.count("\n") == 1


def test_main_leaves_standard_output_usable_behind_a_broken_pipe(monkeypatch, capsys):
    with open(broken_pipe(), "w") as writing:
        monkeypatch.setattr("sys.stdout", writing)
        assert main(["list"]) == 141
        print("goes nowhere, and says so to nobody", flush=True)
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_is_an_error(monkeypatch, capsys):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr("sys.stdout", full)
        assert main(["list"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("zoo: error: ") and "No space left" in said
    assert said.count("\n") == 1


def test_closed_standard_output_is_silent():
    zoo_list = shell_command(sys.executable, "-m", "zoo.cli", "list")
    done = subprocess.run(["sh", "-c", f"{zoo_list} >&-"], capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_what_cannot_be_printed_is_escaped(monkeypatch, encoding):
    text = "caf\u00e9 \u597d \U0001f600 \ud800"
    found = stream(encoding=encoding)
    monkeypatch.setattr("sys.stdout", found)
    with output():
        print(text)
    written = found.buffer.getvalue()
    assert written == text.encode(encoding, "backslashreplace") + b"\n"
    assert written.decode(encoding).startswith("caf")


def test_a_choice_of_the_user_stays(monkeypatch):
    found = stream(encoding="ascii", errors="xmlcharrefreplace")
    monkeypatch.setattr("sys.stdout", found)
    with output():
        print("caf\u00e9")
    assert found.buffer.getvalue() == b"caf&#233;\n"


def test_can_print(monkeypatch):
    odd = "caf\u00e9", "\u20ac", "\u597d", "\ud800"
    for encoding, printed in {
        "ascii": [False, False, False, False],
        "latin-1": [True, False, False, False],
        "cp1252": [True, True, False, False],
        "utf-8": [True, True, True, False],
    }.items():
        monkeypatch.setattr("sys.stdout", stream(encoding=encoding))
        assert [can_print(text) for text in odd] == printed and can_print("cafe")
    for nothing in (None, io.StringIO()):  # without an encoding: as for UTF-8
        monkeypatch.setattr("sys.stdout", nothing)
        assert [can_print(text) for text in odd] == [True, True, True, False]


@pytest.mark.parametrize(
    "content, lines",
    [
        (b"", []),
        (b"\n", [""]),
        (b"\xef\xbb\xbf", []),
        (b"one", ["one"]),
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\r\n\r\ntwo\r\n", ["one", "", "two"]),
        (b"\xef\xbb\xbfone\r\n two ", ["one", " two "]),
        (b"one\n\xef\xbb\xbftwo\n", ["one", "\ufefftwo"]),  # inside it is a character
        (b"caf\xc3\xa9\ncaf\xe9\n", ["caf\u00e9", "caf\ufffd"]),
        (b"cut \xe5\xa5", ["cut \ufffd"]),
        (b"a\x0bb\x0cc\x1cd\xc2\x85e\xe2\x80\xa8f\n", ["a\vb\fc\x1cd\x85e\u2028f"]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
def test_input_lines(monkeypatch, content, lines, encoding):
    """Whatever encoding the stream had before."""
    monkeypatch.setattr("sys.stdin", stream(content, encoding=encoding))
    assert list(input_lines()) == lines


def test_input_lines_come_one_by_one():
    """The first is there while the pipe is open still."""
    code = (
        "from zoo.reporting.terminal import input_lines\n"
        "for line in input_lines(): print(ascii(line), flush=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdin.write(b"\xef\xbb\xbffirst\r\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"'first'\n"
        assert process.communicate(b"\xff last", timeout=60)[0] == b"'\\ufffd last'\n"


def test_closed_standard_input_is_named(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ValueError, match="`texts` must.*standard input is closed"):
        input_lines()


@pytest.mark.slow
@pytest.mark.tensorflow
def test_predict_between_pipes():
    """Odd bytes come in, pure ASCII goes out, and every text has its answer."""
    given = b"\xef\xbb\xbfa good day\r\ncaf\xc3\xa9 \xf0\x9f\x98\x80\r\n\r\nbad \xe9"
    done = command(
        "predict",
        SAVED / "classification",
        input=given,
        capture_output=True,
        # The level that the command sets, unless the tests' own comes before it.
        environment={"PYTHONIOENCODING": "ascii", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0 and done.stderr == b""
    records = [json.loads(line) for line in done.stdout.decode("ascii").splitlines()]
    texts = [record["text"] for record in records]
    assert texts == ["a good day", "caf\u00e9 \U0001f600", "", "bad \ufffd"]
    known = json.loads((SAVED / "answers.json").read_text("utf-8"))["classification"]
    for record, expected in zip((records[0], records[2]), known, strict=True):
        found, expected = record["answers"]["mood"], expected["mood"]
        assert found["label"] == expected["label"]
        assert found["scores"] == pytest.approx(expected["scores"], abs=1e-5)


@pytest.mark.tensorflow
def test_a_file_name_that_cannot_be_printed(monkeypatch, tmp_path):
    """The answers of a folder with a name beyond ASCII, to a stream of ASCII."""
    folder = shutil.copytree(SAVED / "classification", tmp_path / "caf\u00e9 \u597d")
    found = stream(encoding="ascii")
    monkeypatch.setattr("sys.stdout", found)
    assert main(["predict", str(folder), "na\u00efve", "\udcff"]) == 0
    texts = [json.loads(line)["text"] for line in found.buffer.getvalue().splitlines()]
    assert texts == ["na\u00efve", "\ufffd"]


SHOW = "import sys; [print(ascii(word)) for word in sys.argv[1:]]"


def shown(shell, line, cwd):
    """The arguments that a program is given by a shell, and what it found beside."""
    done = subprocess.run([*shell, line], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr
    assert not os.listdir(cwd), "nothing that stands in a text has run"
    return [ast.literal_eval(word) for word in done.stdout.splitlines()]


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "zsh", "ksh"])
def test_arguments_arrive_unchanged(tmp_path, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    line = shell_command(sys.executable, "-c", SHOW, values=HOSTILE)
    assert shown([shell, "-c"], line, tmp_path) == HOSTILE
    words = [sys.executable, "-c", SHOW, "--set", *HOSTILE, "with\nnew line"]
    found = shown([shell, "-c"], shell_command(*words), tmp_path)
    assert found == ["--set", *HOSTILE, "with\nnew line"]


def test_a_text_of_several_lines_is_pasted_as_one(tmp_path):
    text = "\n first `touch pwned`\r\n\tsecond\x00\x1b[31m\u2028third "
    line = shell_command(sys.executable, "-c", SHOW, values=[one_line(text)])
    assert "\n" not in line and line.isprintable()
    expected = ["first `touch pwned` second [31m third"]
    assert shown(["sh", "-c"], line, tmp_path) == expected


def test_a_prompt_with_history_changes_nothing(tmp_path):
    """`!` is special to a person's shell only, which reads lines as they are typed."""
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    texts = ["so good! !!", "!zoo !-1 !$", "it's good!", 'a "good!" one']
    line = shell_command(sys.executable, "-c", SHOW, values=texts)
    typed = f'set -o history; set -H; echo before\n{line}\necho "!!:0" ends\n'
    done = subprocess.run(
        ["bash", "--norc", "--noprofile", "-i"],
        input=typed,
        text=True,
        capture_output=True,
        cwd=tmp_path,
        env={**os.environ, "HISTFILE": "/dev/null"},
        start_new_session=True,
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "before" and lines[-1] == f"{sys.executable} ends", "it expands"
    assert [ast.literal_eval(word) for word in lines[1:-1]] == texts


def test_values_with_a_dash_are_no_options(tmp_path):
    values = ["-1 degrees", "--server", "-", "--"]
    line = shell_command(sys.executable, "-c", SHOW, values=values)
    assert shown(["sh", "-c"], line, tmp_path) == ["--", *values]
    assert shell_command("zoo", values=[Path("-x"), 3]) == "zoo -- -x 3"
    assert shell_command("zoo", "-x", values=["a-b"]) == "zoo -x a-b"


@pytest.mark.parametrize("folder", ["runs/a b", "-runs/x"])
@pytest.mark.parametrize("text", ["-1 degrees", "--server is down", "good", "a -- b"])
def test_our_own_parser_takes_what_is_printed(tmp_path, folder, text):
    code = f"from shlex import *; {SHOW}"
    line = shell_command("zoo", "predict", values=[Path(folder), text])
    line = line.replace("zoo", shell_command(sys.executable, "-c", code), 1)
    options = parser().parse_args(shown(["sh", "-c"], line, tmp_path))
    assert (options.folder, options.texts) == (folder, [text])


def test_one_line():
    for text, expected in {
        "so\ngood": "so good",
        " so \r\n\r\n\t good ": "so good",
        "\x1b[2Jred\x07\x7f\x9b": "[2Jred",
        "right\u202eto left\u2066": "right to left",
        "caf\u00e9 \u597d \U0001f600": "caf\u00e9 \u597d \U0001f600",
        "cut \ud800 here": "cut here",
        "\n\0": "",
    }.items():
        assert one_line(text) == expected


COMMAND = re.compile(
    r"(?:\bzoo (?:list|describe|train|tune|evaluate|predict|profile|export|"
    r"serve-config|rollback|warmup)\b|\bdocker |\btensorboard --|\bpython3? -m |"
    r"\bcurl )[^`\n]*?\0"
)


def commands_made_by_hand(source):
    """Lines that put a value into the text of a command without `shell_command`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            parts = node.values
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mod, ast.Add)):
            parts = [node.left, node.right]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr not in ("format", "join"):
                continue
            parts = [node.func.value, *node.args, *node.keywords]
        else:
            continue
        text = "".join(map(_text, parts))
        if COMMAND.search(text):
            found.append(node.lineno)
    return sorted(set(found))


def _text(node):
    """What stands in the source, with a NUL for a value that is not quoted."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_text, node.values))
    if isinstance(node, (ast.List, ast.Tuple)):
        return " ".join(map(_text, node.elts))
    value = node.value if isinstance(node, ast.FormattedValue) else node
    safe = isinstance(value, ast.Call) and ast.unparse(value.func).endswith(
        ("shell_command", "shlex.quote", "shlex.join")
    )
    return "quoted" if safe else "\0"


def test_every_printed_command_is_quoted():
    found = {
        f"{path.relative_to(SOURCES)}:{line}"
        for path in sorted(SOURCES.rglob("*.py"))
        for line in commands_made_by_hand(path.read_text("utf-8"))
    }
    assert found == set()


@pytest.mark.parametrize(
    "source",
    [
        "print(f\"Predict with it: zoo predict {folder} '{text}'\")",
        'f"first `zoo serve-config {place} --label {label}`"',
        '"zoo train " + name',
        '"zoo evaluate %s" % folder',
        '"docker run {}".format(image)',
        '" ".join(["zoo predict", folder])',
        'f"tensorboard --logdir {folder}"',
    ],
)
def test_a_command_made_by_hand_would_be_found(source):
    assert commands_made_by_hand(source) == [1]


def test_what_is_no_command_made_by_hand():
    for source in (
        "f\"{shell_command('zoo', 'predict', values=v)} and {folder}\"",
        'f"`zoo train` goes on in {folder}"',
        'f"zoo predict {shlex.quote(text)}"',
        'f"Received: {folder}; use `zoo predict`"',
    ):
        assert commands_made_by_hand(source) == []


def test_a_column_that_begins_with_a_hyphen(capsys):
    with pytest.raises(SystemExit):
        main(["train", "text_cnn", "--label", "-mood:regression"])
    said = capsys.readouterr().err
    assert "argument --label: expected one argument" in said
    assert "begins with '-' is written --label=-VALUE" in said
    options = parser().parse_args(["train", "text_cnn", "--label=-mood:regression"])
    assert options.label == ["-mood:regression"]
    with pytest.raises(SystemExit):
        main(["train", "text_cnn", "--seed"])
    assert "begins with '-'" in capsys.readouterr().err
