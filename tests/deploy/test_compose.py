"""compose.yaml is what the Compose specification says, by its own schema out of Debian's docker-compose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

from tests.deploy import proxies

pytestmark = pytest.mark.slow
BASE = Path(__file__).resolve().parents[2]
SCHEMA = "usr/lib/python3/dist-packages/compose/config/compose_spec.json"


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    root = proxies.unpacked(BASE / "var" / "test" / "compose", {"docker-compose": SCHEMA})
    return Draft7Validator(json.loads((root / SCHEMA).read_text()))


def wrong(validator: Draft7Validator, text: str) -> list[str]:
    loaded = yaml.safe_load(text)
    assert isinstance(loaded.pop("name", ""), str)  # newer than Debian's schema
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(loaded)]


def test_the_file_is_valid(validator: Draft7Validator) -> None:
    assert wrong(validator, (BASE / "deploy" / "compose.yaml").read_text()) == []


@pytest.mark.parametrize(("good", "bad"), [("healthcheck:", "healthchek:"), ("restart: unless-stopped", "restart: 7")])
def test_a_slip_would_be_found(validator: Draft7Validator, good: str, bad: str) -> None:
    assert wrong(validator, (BASE / "deploy" / "compose.yaml").read_text().replace(good, bad, 1))
