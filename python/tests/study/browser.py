"""Chromium without a window, driven over a pipe by the DevTools protocol."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)
PATIENCE = 60.0


def program() -> str | None:
    """Where Chromium is, if it is there."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One page of one browser."""

    def __init__(self, path: str):
        self.profile = tempfile.mkdtemp(prefix="bakusoku-chromium-")
        commands, self.to_browser = os.pipe()
        self.from_browser, answers = os.pipe()
        # Chromium reads commands from descriptor 3 and writes answers to 4.
        line = f'exec "$0" "$@" 3<&{commands} 4>&{answers}'
        self.process = subprocess.Popen(
            ["bash", "-c", line, path, *FLAGS, f"--user-data-dir={self.profile}", "about:blank"],
            pass_fds=(commands, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self.buffer, self.id, self.session, self.events = b"", 0, None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.to_browser)
        os.close(self.from_browser)
        shutil.rmtree(self.profile, ignore_errors=True)

    def message(self) -> dict:
        """The next answer or event."""
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.from_browser], [], [], max(left, 0))
            assert ready, "Chromium does not answer"
            piece = os.read(self.from_browser, 1 << 20)
            assert piece, "Chromium ended"
            self.buffer += piece
        text, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(text)

    def call(self, method: str, **params) -> dict:
        """A command; its result."""
        self.id += 1
        command = {"id": self.id, "method": method, "params": params}
        if self.session:
            command["sessionId"] = self.session
        rest = json.dumps(command).encode() + b"\0"
        while rest:
            rest = rest[os.write(self.to_browser, rest) :]
        while True:
            message = self.message()
            if message.get("id") == self.id:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]
            if "method" in message:
                self.events.append(message)

    def wait_for(self, method: str):
        while not any(event["method"] == method for event in self.events):
            message = self.message()
            if "method" in message:
                self.events.append(message)

    def open(self, page: Path, width: int, height: int = 900):
        """Opens a page in a window of a size."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.events.clear()
        self.call("Page.navigate", url=page.absolute().as_uri())
        self.wait_for("Page.loadEventFired")

    def complaints(self) -> list[str]:
        """Script errors, entries of the log, and whatever the page fetched besides itself."""
        found = []
        for event in self.events:
            params = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                found.append(f"script error: {params['exceptionDetails'].get('text')}")
            elif event["method"] == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(f"log: {params['entry']['text']}")
            elif event["method"] == "Network.requestWillBeSent" and params.get("type") != "Document":
                if not params["request"]["url"].startswith("data:"):
                    found.append(f"fetched: {params['request']['url']}")
        return found

    def evaluate(self, script: str):
        """The value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self, path: Path, clip: tuple[float, float, float, float] | None = None):
        """The whole page, or a part of it (x, y, width, height), as PNG."""
        options = {"captureBeyondViewport": True}
        if clip:
            options["clip"] = dict(zip(("x", "y", "width", "height"), clip), scale=1)
        answer = self.call("Page.captureScreenshot", format="png", **options)
        Path(path).write_bytes(base64.b64decode(answer["data"]))
