"""The secret key: given, or made once and kept in the var folder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from common.environment.values import SettingError, secret

FILE = "secret_key"


def secret_key(var_dir: Path) -> str:
    """SECRET_KEY, or SECRET_KEY_FILE, or one made once and kept (0600) in the var folder.

    Raises:
        SettingError: the key is weak, or the folder cannot be written.
    """
    key = secret("SECRET_KEY")
    if key:
        if len(key) < 50 or len(set(key)) < 8 or key.startswith("django-insecure-"):
            raise SettingError("SECRET_KEY is weak: it takes at least 50 characters, at least 8 of them different.")
        return key
    path = var_dir / FILE
    try:
        if not path.exists():
            _make(path)
        return path.read_text().strip()
    except OSError as error:
        raise SettingError(f"The var folder {str(var_dir)!r} cannot be written: {error.strerror}.") from None


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".secret_key.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(64))
    try:
        os.link(fresh, path)  # fails where another process was first: theirs is used
    except FileExistsError:
        pass
    fresh.unlink()
