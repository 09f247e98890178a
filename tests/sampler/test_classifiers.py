"""The contract of `sampler/classifiers`: every file of the folder is held to it."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from common.shapes import Message
from generation.checkpoints import CannotLoad
from sampler.classifiers.base import CLASSIFIERS, KINDS
from sampler.classifiers.labels import CLASSIFIER as LABELS
from sampler.classifiers.reward import CLASSIFIER
from tests.generation.tiny import make_classifier, make_reward_model, make_tiny_model


def conversation(answer: str) -> list[Message]:
    return [Message(role="user", content="amber basalt"), Message(role="assistant", content=answer)]


@pytest.fixture(scope="module")
def locations(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where each plugin that needs a checkpoint finds a small one."""
    folder = tmp_path_factory.mktemp("classifiers")
    reward = make_reward_model(folder / "rm", make_tiny_model(folder / "base"))
    return {"reward": str(reward), "labels": str(make_classifier(folder / "labels"))}


def test_the_folder_is_listed_without_importing_torch() -> None:
    code = (
        "import sys; from sampler.classifiers.base import CLASSIFIERS; names = CLASSIFIERS.choices(); "
        "assert 'reward' in names, names; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", CLASSIFIERS.choices())
def test_every_classifier_gives_a_finite_number_for_each_label_and_text(name: str, locations: dict[str, str]) -> None:
    loader = CLASSIFIERS.load(name)
    assert loader.kind in KINDS
    classifier = loader.load(locations.get(name, ""))
    assert classifier.labels
    texts = [conversation(text) for text in ("delta", "ember fjord grove heath islet jetty", "delta", "日本語 🙂")]
    scores = classifier.scores(texts)
    assert len(scores) == len(texts)
    assert all(len(row) == len(classifier.labels) and all(map(math.isfinite, row)) for row in scores)
    assert scores[0] == pytest.approx(scores[2], abs=1e-5)
    alone = [classifier.scores([text])[0] for text in texts]
    assert [list(row) for row in alone] == [pytest.approx(row, abs=1e-5) for row in scores]
    assert classifier.scores([]) == []
    classifier.close()


@pytest.mark.parametrize("location", ["", "no/such-folder", "a policy", "no template"])
def test_what_is_not_a_reward_model_is_refused_with_a_sentence(
    location: str, locations: dict[str, str], tmp_path: Path
) -> None:
    if location == "a policy":
        location = str(make_tiny_model(tmp_path / "policy"))
    elif location == "no template":
        base = make_tiny_model(tmp_path / "base")
        location = str(make_reward_model(tmp_path / "rm", base))
        (tmp_path / "rm" / "chat_template.jinja").unlink()
    elif location == "no/such-folder":
        location = str(tmp_path / "nothing")
    with pytest.raises(CannotLoad, match=r"\.$|: .+"):
        CLASSIFIER.load(location)


def test_a_long_conversation_is_judged_by_its_end(locations: dict[str, str]) -> None:
    model = CLASSIFIER.load(locations["reward"])
    model.max_length = 10
    start = [Message(role="user", content="amber " * 40)]
    other = [Message(role="user", content="otter " * 40)]
    answer = Message(role="assistant", content="delta ember fjord grove heath islet jetty")
    one, same = model.scores([[*start, answer], [*other, answer]])
    assert one == pytest.approx(same, abs=1e-5)


def test_a_classifier_without_its_head_is_refused_and_not_made_up(locations: dict[str, str], tmp_path: Path) -> None:
    source, headless = Path(locations["labels"]), tmp_path / "headless"
    headless.mkdir()
    for path in source.iterdir():
        (headless / path.name).write_bytes(path.read_bytes())
    weights = {name: one for name, one in load_file(source / "model.safetensors").items() if "classifier" not in name}
    save_file(weights, headless / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CannotLoad, match="lack"):
        LABELS.load(str(headless))
    for location in ("", str(tmp_path / "nothing"), str(make_tiny_model(tmp_path / "policy"))):
        with pytest.raises(CannotLoad):
            LABELS.load(location)
