import pytest
from django.core.management import CommandError, call_command

from labeling.models import Project
from labeling.projects import current_round
from tests import makers

pytestmark = pytest.mark.django_db


def test_the_next_round_opens_with_the_mixture_and_closes_the_last(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    first = current_round(project)
    makers.make_model("old"), makers.make_model("new")
    call_command("open_round", "demo", "--policy", "old=0.3", "--policy", "new=0.7")
    second = current_round(project)
    assert first is not None
    assert second is not None
    assert second.number == first.number + 1
    assert {p.model_version.slug: p.weight for p in second.policies.all()} == {"old": 0.3, "new": 0.7}
    first.refresh_from_db()
    assert first.closed_at is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "--policy", "a=1"], "no project"),
        (["demo", "--policy", "a=1"], "no model version"),
        (["demo", "--policy", "m=much"], "number"),
        (["demo", "--policy", "m=0"], "over 0"),
        (["demo", "--policy", "m=1", "--policy", "m=2"], "twice"),
        (["demo", "--policy", "retired=1"], "retired"),
    ],
)
def test_a_mixture_that_cannot_be_is_refused_in_a_sentence(project: Project, arguments: list[str], words: str) -> None:
    makers.make_model("m")
    makers.make_model("retired", state="retired")
    with pytest.raises(CommandError, match=words):
        call_command("open_round", *arguments)
