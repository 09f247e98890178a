"""The contract of `sampler/classifiers`: every file of the folder is held to it."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from common import plugins
from sampler.classifiers.base import KINDS, CannotLoad
from tests.sampler.tiny import make_reward_model, make_tiny_model

PACKAGE = "sampler.classifiers"


def conversation(answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": "amber basalt"}, {"role": "assistant", "content": answer}]


@pytest.fixture(scope="module")
def locations(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where each plugin that needs a checkpoint finds a small one."""
    folder = tmp_path_factory.mktemp("classifiers")
    return {"reward": str(make_reward_model(folder / "rm", make_tiny_model(folder / "base")))}


def test_the_folder_is_listed_without_importing_torch() -> None:
    code = (
        "import sys; from common import plugins; import sampler.classifiers.base; "
        f"names = plugins.choices({PACKAGE!r}); assert 'reward' in names, names; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", plugins.choices(PACKAGE))
def test_every_classifier_gives_a_finite_number_for_each_label_and_text(name, locations: dict[str, str]) -> None:
    module = plugins.load(PACKAGE, name)
    assert module.KIND in KINDS
    classifier = module.load(locations.get(name, ""))
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
def test_what_is_no_reward_model_is_refused_with_a_sentence(
    location: str, locations: dict[str, str], tmp_path: Path
) -> None:
    reward = plugins.load(PACKAGE, "reward")
    if location == "a policy":
        location = str(make_tiny_model(tmp_path / "policy"))
    elif location == "no template":
        base = make_tiny_model(tmp_path / "base")
        location = str(make_reward_model(tmp_path / "rm", base))
        (tmp_path / "rm" / "chat_template.jinja").unlink()
    elif location == "no/such-folder":
        location = str(tmp_path / "nothing")
    with pytest.raises(CannotLoad, match=r"\.$|: .+"):
        reward.load(location)


def test_a_long_conversation_is_judged_by_its_end(locations: dict[str, str]) -> None:
    model = plugins.load(PACKAGE, "reward").load(locations["reward"])
    model.max_length = 10
    start = [{"role": "user", "content": "amber " * 40}]
    other = [{"role": "user", "content": "otter " * 40}]
    answer = {"role": "assistant", "content": "delta ember fjord grove heath islet jetty"}
    one, same = model.scores([[*start, answer], [*other, answer]])
    assert one == pytest.approx(same, abs=1e-5)
