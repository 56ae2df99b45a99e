"""Chromium without a window, driven through pipes by its debugging protocol.

`CHROMIUM_BIN` names the program; `CHROMIUM_LIBS` a folder of libraries that it needs.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from pathlib import Path

OPTIONS = "--headless=new --no-sandbox --no-zygote --disable-gpu "
OPTIONS += "--remote-debugging-pipe --window-size=1200,900 --hide-scrollbars"


class Browser:
    """One page in Chromium.

    Args:
        program: path of Chromium.
        profile: empty folder for its files.
    """

    def __init__(self, program: str, profile: Path) -> None:
        here, self._send = os.pipe()
        self._receive, there = os.pipe()
        # The protocol is on the descriptors 3 and 4.
        script = f'exec "$@" 3<&{here} 4>&{there}'
        command = [program, *OPTIONS.split(), f"--user-data-dir={profile}"]
        libraries = os.environ.get("CHROMIUM_LIBS")
        extra = {"LD_LIBRARY_PATH": libraries} if libraries else {}
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", *command, "about:blank"],
            pass_fds=(here, there),
            env={**os.environ, **extra, "HOME": str(profile)},
            stderr=subprocess.DEVNULL,
        )
        os.close(here)
        os.close(there)
        self._count, self._buffer, self.events = 0, b"", []
        self._session = None
        [page] = [
            target
            for target in self("Target.getTargets")["targetInfos"]
            if target["type"] == "page"
        ]
        attached = self(
            "Target.attachToTarget", targetId=page["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "DOM", "Accessibility"):
            self(f"{domain}.enable")

    def __call__(self, method: str, **parameters) -> dict:
        """Calls a method of the protocol and returns its result."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self._count:
                assert "error" not in answer, (method, answer)
                return answer["result"]
            self.events.append(answer)

    def _message(self) -> dict:
        while b"\0" not in self._buffer:
            block = os.read(self._receive, 2**16)
            assert block, "Chromium has ended"
            self._buffer += block
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def evaluate(self, expression: str):
        """The value of an expression, in JSON."""
        result = self("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait(self, expression: str, seconds: float = 600) -> None:
        """Waits until an expression is true; an element is."""
        end = time.monotonic() + seconds
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.05)

    def press(self, key: str, code: int, text: str = "", modifiers: int = 0) -> None:
        """Presses a key, as the keyboard does."""
        given = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        more = {"text": text} if text else {}
        self("Input.dispatchKeyEvent", type="keyDown", **given, **more)
        self("Input.dispatchKeyEvent", type="keyUp", **given)

    def picture(self, path: Path) -> None:
        """Writes the whole page as a PNG."""
        shot = self("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        """Ends the program."""
        os.close(self._send)
        os.close(self._receive)
        self._process.terminate()
        self._process.wait(20)
