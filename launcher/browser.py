"""A Chromium for the browser tests: the machine's own, else Debian's package, else Playwright's build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from launcher.options import StartError

VARIABLE = "DUOLOGUE_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",)


def ensure() -> str:
    """Path of a browser, installed if none was found.

    Raises:
        StartError: there is none and none could be installed.
    """
    if path := os.environ.get(VARIABLE) or _find():
        return path
    tried = []
    for title, install in (("apt", _apt), ("playwright install", _playwright)):
        print(f"installing a browser with {title}", flush=True)
        if path := install():
            return path
        tried.append(title)
    raise StartError(
        f"No Chromium was found and none could be installed ({' and '.join(tried)} failed): set {VARIABLE} to one."
    )


def _find() -> str:
    for name in NAMES:
        if path := shutil.which(name):
            return path
    return next((place for place in PLACES if Path(place).exists()), "")


def _apt() -> str:
    if os.getuid() != 0 or not shutil.which("apt-get"):
        return ""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        subprocess.run(["apt-get", "-qq", *command], env=environment, stdout=subprocess.DEVNULL, check=False)
    return _find()


def _playwright() -> str:
    code = "from playwright.sync_api import sync_playwright as p\nwith p() as x: print(x.chromium.executable_path)"
    installed = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    if installed.returncode:
        return ""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stdout.strip()
    return found if Path(found).exists() else ""
