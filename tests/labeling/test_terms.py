"""The terms of a project: accepted with version and date before the first task, known to the card, to the list of
people, to what is kept of a person, and to a withdrawal."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from labeling import agreements, dialogues, leases, projects, terms, withdrawal
from labeling.errors import Conflict, Invalid, NotAgreed
from labeling.models import Project, TermsAcceptance
from operations import person
from tests import makers
from tests.exports.makers import export


@pytest.fixture
def bound(project: Project, mona: User) -> Project:
    """With terms, which nobody has accepted."""
    terms.publish_terms(project=project, text="# Terms\n\nYour words are published.", by=mona)
    return project


def test_nobody_is_given_work_before_they_accepted_the_terms(bound: Project, alice: User, guest: User) -> None:
    makers.make_comparison(bound)
    with pytest.raises(NotAgreed):
        leases.lease_next(project=bound, trainer=alice)
    with pytest.raises(NotAgreed):
        leases.lease_next(project=bound, trainer=alice, by_program=True)
    with pytest.raises(NotAgreed):
        dialogues.start_dialogue(project=bound, author=guest, kind="chat")
    accepted = terms.accept_terms(project=bound, person=alice, number=1)
    assert accepted == terms.accept_terms(project=bound, person=alice, number=1)
    assert leases.lease_next(project=bound, trainer=alice)[1]


def test_a_new_version_is_asked_again_only_where_the_manager_says_so(bound: Project, alice: User, bob: User) -> None:
    terms.accept_terms(project=bound, person=alice, number=1)
    terms.publish_terms(project=bound, text="# Terms\n\nYour words are published!", ask_again=False)
    assert agreements.owed(bound, alice) is None
    assert agreements.owed(bound, bob) == agreements.Owed("terms", 2, 0)  # a newcomer accepts the newest
    terms.publish_terms(project=bound, text="# Terms\n\nYour words are sold.", ask_again=True)
    assert agreements.owed(bound, alice) == agreements.Owed("terms", 3, 1)


def test_only_the_version_in_force_is_accepted_and_no_terms_are_empty(bound: Project, alice: User) -> None:
    terms.publish_terms(project=bound, text="Others.")
    with pytest.raises(Conflict):
        terms.accept_terms(project=bound, person=alice, number=1)
    with pytest.raises(Invalid):
        terms.publish_terms(project=bound, text=" \r\n ")
    assert not TermsAcceptance.objects.exists()


def test_the_terms_come_before_the_guidelines_and_the_task_after_both(
    client: Client, bound: Project, alice: User, mona: User
) -> None:
    makers.make_comparison(bound)
    projects.publish_guidelines(project=bound, text="Be short.", by=mona)
    client.force_login(alice)
    address = client.post(f"/projects/{bound.slug}/rank/").headers["Location"]
    assert "Your words are published." in client.get(address).content.decode()
    then = client.post(address, {"what": "terms", "version": 1, "then": "ranking"})
    assert "The guidelines have changed" in then.content.decode()
    done = client.post(address, {"what": "guidelines", "version": 2, "then": "ranking"})
    assert done.headers["Location"].startswith("/ranking/")
    page = client.get(f"/projects/{bound.slug}/terms/").content.decode()
    assert "You accepted version 1 on" in page


def test_a_manager_writes_them_and_sees_who_accepted(client: Client, bound: Project, alice: User, mona: User) -> None:
    terms.accept_terms(project=bound, person=alice, number=1)
    client.force_login(mona)
    site = f"/manage/projects/{bound.slug}/"
    shown = client.get(f"{site}terms/").content.decode()
    assert "1 person accepted it" in shown
    preview = client.post(f"{site}terms/", {"text": "New words.", "preview": "1"}).content.decode()
    assert "New words.</p>" in preview
    client.post(f"{site}terms/", {"text": "New words.", "note": "Plainer"})
    made = bound.terms.order_by("-number")[0]
    assert (made.number, made.ask_again, made.created_by) == (2, False, mona)
    people = client.get(f"{site}people/").content.decode()
    assert "Terms: version 1 of 2 accepted on" in people
    assert "Terms: not accepted yet" in people


def test_the_card_has_the_text_and_how_many_accepted_which_version(
    bound: Project, alice: User, bob: User, tmp_path: Path
) -> None:
    for someone in (alice, bob):
        terms.accept_terms(project=bound, person=someone, number=1)
    terms.publish_terms(project=bound, text="# Terms\n\nYour words are sold.", note="Sold")
    terms.accept_terms(project=bound, person=bob, number=2)
    makers.make_ranking(makers.make_comparison(bound), alice)
    manifest = export(bound, tmp_path / "one")
    assert [(one["number"], one["accepted"]) for one in manifest["terms"]] == [(1, 2), (2, 1)]
    card = (tmp_path / "one" / "README.md").read_text()
    assert ": accepted by 2 people" in card
    assert "> Your words are sold." in card
    withdrawal.withdraw(project=bound, user=bob)
    later = export(bound, tmp_path / "two")
    assert [(one["number"], one["accepted"]) for one in later["terms"]] == [(1, 1), (2, 0)]


def test_whoever_comes_back_after_a_withdrawal_accepts_them_anew(bound: Project, alice: User) -> None:
    first = terms.accept_terms(project=bound, person=alice, number=1)
    withdrawal.withdraw(project=bound, user=alice)
    projects.set_membership(project=bound, user=alice, role="trainer")
    projects.count_again(project=bound, user=alice)
    assert agreements.owed(bound, alice) == agreements.Owed("terms", 1, 0)
    again = terms.accept_terms(project=bound, person=alice, number=1)
    assert (again.pk, again.accepted_at > first.accepted_at) == (first.pk, True)
    assert agreements.owed(bound, alice) is None


def test_what_is_kept_of_a_person_has_what_they_agreed_to(bound: Project, alice: User) -> None:
    terms.accept_terms(project=bound, person=alice, number=1)
    found = person.of(alice)["terms_accepted"]
    assert isinstance(found, list)
    (row,) = found
    assert isinstance(row, dict)
    assert (row["version_number"], row["version_text"]) == (1, "# Terms\n\nYour words are published.")
