"""A reviewer's hour in a real browser: twenty decisions by keys, a blind vote and back, orders that disagree."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from labeling import comparisons
from labeling.models import Comparison, Membership, Project, Ranking, Review
from labeling.quality import reviews
from labeling.spans import Span
from sampler.models import Completion
from tests import makers
from tests.journeys.conftest import Visits
from tests.journeys.screens import EVERY, QUICK, Screen, look
from tests.journeys.server import Server
from tests.journeys.test_accessibility import RICH
from tests.labeling.review_queue import only, rank

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
MOST_KEYS = 45


def rules(project: Project, **chosen: object) -> None:
    project.adaptive_overlap = False
    only(project, **chosen)


class Keys:
    """A keyboard that counts what is pressed."""

    def __init__(self, page: Page) -> None:
        self.page, self.pressed = page, 0

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.pressed += 1


def test_twenty_are_decided_in_at_most_45_keys_and_without_a_way_back_over_a_list(
    visit: Visits, project: Project, alice: User, rita: User
) -> None:
    rules(project, random_share=1.0)
    for number in range(20):
        if number % 5 == 4:
            makers.make_demonstration(project, alice, question=f"Written {number}?")
        else:
            makers.make_ranking(makers.make_comparison(project, prompt=f"Asked {number}?"), alice)
    page = visit(rita).open(f"/projects/{project.slug}/review/")
    expect(page.get_by_text("Asked 0?")).to_be_visible()
    keys = Keys(page)
    keys.press("n")
    for number in range(20):
        demonstration = number % 5 == 4
        expect(page.locator("main .turn").first).to_contain_text(f"{'Written' if demonstration else 'Asked'} {number}?")
        assert "/review/rankings/" in page.url or "/review/dialogues/" in page.url
        if not demonstration:
            expect(page.get_by_text("best first")).to_have_count(0)
            page.wait_for_load_state()  # a key before the scripts are there is nobody's
            keys.press("s")
            expect(page.locator(".strip .token").first).to_be_visible()
        if number == 3:
            keys.press("r")
            expect(page.get_by_text("What should be mended?")).to_be_visible()
            keys.press("1")
        else:
            keys.press("7" if number == 9 else "a")
            if number == 9:
                keys.press("a")
    expect(page.get_by_text("Nothing waits for review")).to_be_visible()
    assert keys.pressed <= MOST_KEYS, keys.pressed
    decided = Review.objects.order_by("created_at").values_list("decision", flat=True)
    assert list(decided) == ["accepted"] * 3 + ["returned"] + ["accepted"] * 16
    assert Review.objects.get(grade=7).dialogue is not None
    assert Review.objects.get(decision="returned").comment.startswith("The order does not follow")


def test_words_that_are_begun_in_an_open_menu_decide_nothing_behind_it(
    visit: Visits, project: Project, alice: User, rita: User
) -> None:
    rules(project, random_share=1.0)
    before, ranking = (makers.make_ranking(makers.make_comparison(project), alice) for _ in range(2))
    reviews.decide(reviewer=rita, decision="accepted", ranking=before)
    page = visit(rita).open(f"/review/rankings/{ranking.pk}/?order=1")
    expect(page.get_by_text("Undo")).to_be_visible()
    page.keyboard.press("r")
    expect(page.get_by_text("What should be mended?")).to_be_visible()
    page.keyboard.type("unx")  # of a comment that somebody types where the focus is: keys of the page behind it
    page.keyboard.type("aj")
    expect(page.get_by_text("What should be mended?")).to_be_visible()
    assert Review.objects.get().ranking == before
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    expect(page.get_by_text("That was the last one")).to_be_visible()
    assert Review.objects.get(ranking=ranking).decision == "excluded"


def test_keys_while_an_input_method_composes_decide_nothing(
    visit: Visits, project: Project, alice: User, rita: User
) -> None:
    rules(project, random_share=1.0)
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    page = visit(rita).open(f"/review/rankings/{ranking.pk}/?order=1")
    page.keyboard.press("r")
    page.keyboard.press("c")
    comment = page.locator("#comment")
    comment.fill("ni")
    for event in ("key: 'Enter', ctrlKey: true, isComposing: true", "key: 'Enter', ctrlKey: true, keyCode: 229",
                  "key: 'Escape', isComposing: true", "key: '1', code: 'Digit1', keyCode: 229"):  # fmt: skip
        comment.evaluate(f"(field) => field.dispatchEvent(new KeyboardEvent('keydown', {{bubbles: true, {event}}}))")
        expect(comment).to_be_focused()
    assert comment.input_value() == "ni"
    assert not Review.objects.exists()


def test_after_a_blind_vote_one_is_back_at_the_same_review(
    visit: Visits, project: Project, alice: User, bob: User, rita: User
) -> None:
    rules(project, random_share=1.0)
    comparison = makers.make_comparison(project, votes=2, prompt="Which is it?")
    makers.make_ranking(comparison, alice)
    second = makers.make_ranking(comparison, bob, groups=[[1], [0], [2], [3]])
    at = f"/review/rankings/{second.pk}/"
    page = visit(rita).open(at)
    shown = page.locator(".card-text").all_inner_texts()
    page.keyboard.press("b")
    expect(page.get_by_role("heading", name="Rank 4 completions")).to_be_visible()
    expect(page.locator("#card-A")).to_have_attribute("data-current", "")  # its scripts have come
    for digit in "1234":
        page.keyboard.press(digit)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**{at}")
    expect(page.get_by_text("Your own order, given blind")).to_be_visible()
    assert page.locator(".card-text").all_inner_texts() == shown
    assert Ranking.objects.get(trainer=rita).kind == "research"


def test_orders_that_disagree_are_seen_side_by_side_edited_and_taken_back(
    visit: Visits, project: Project, alice: User, bob: User, rita: User
) -> None:
    rules(project, low_agreement=True)
    disputed = dispute(project, alice, bob)
    page = visit(rita).open(f"/projects/{project.slug}/review/")
    page.get_by_role("link", name="All orders").first.click()
    expect(page.locator(".orders tbody tr")).to_have_count(6)
    page.get_by_role("link", name="Review the ranking of alice").click()
    page.wait_for_url("**/review/rankings/**")
    page.keyboard.press("s")
    expect(page.locator(".strip .token")).to_have_count(4)
    page.keyboard.press("e")
    expect(page.get_by_role("heading", name="All orders of 4 completions")).to_be_visible()
    expect(page.locator(".slot .token")).to_have_count(4)
    last = Ranking.objects.get(trainer=alice).order_shown[3]
    page.keyboard.press("d")
    page.keyboard.press("Alt+1")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Your order is the gold one")).to_be_visible()
    gold = Ranking.objects.get(kind="gold")
    assert gold.groups[0] == [last]
    expect(page.get_by_text("Nothing waits for review")).to_be_visible()
    page.keyboard.press("u")
    expect(page.get_by_text("Your last decision is taken back")).to_be_visible()
    gold.refresh_from_db()
    assert gold.undone_at
    assert not Review.objects.in_force().exists()
    assert disputed.rankings.in_force().count() == 2


@pytest.mark.parametrize(("width", "language"), [(320, "en"), (390, "de"), (390, "es"), (480, "en")])
def test_on_a_phone_the_order_and_an_open_menu_stand_above_the_bar_however_many_rows_it_takes(
    visit: Visits, project: Project, alice: User, rita: User, width: int, language: str
) -> None:
    rules(project, random_share=1.0)
    first, second = (makers.make_ranking(makers.make_comparison(project), alice) for _ in range(2))
    page = visit(rita).open(f"/review/rankings/{first.pk}/?order=1")
    page.context.add_cookies([{"name": "language", "value": language, "url": page.url}])
    page.set_viewport_size({"width": width, "height": 700})

    def above() -> None:
        page.evaluate("scrollTo(0, document.body.scrollHeight / 2)")
        bar, strip = page.locator(".bench > .actions"), page.locator(".strip")
        page.wait_for_function("document.documentElement.style.getPropertyValue('--foot')")
        edge = bar.bounding_box()
        for part in (strip, page.locator("details.pop[open] > .panel")):
            if part.count():
                box = part.bounding_box()
                assert edge is not None
                assert box is not None
                assert box["y"] + box["height"] <= edge["y"] + 1, (box, edge)

    page.reload()
    above()
    page.keyboard.press("r")
    above()
    page.keyboard.press("1")
    page.wait_for_url(f"**/review/rankings/{second.pk}/**")
    page.keyboard.press("s")
    expect(page.locator(".strip .token").first).to_be_visible()
    above()
    page.keyboard.press("e")
    page.wait_for_url("**/review/comparisons/**")
    expect(page.locator(".slot .token").first).to_be_visible()
    above()


def dispute(project: Project, alice: User, bob: User) -> Comparison:
    comparison = makers.make_comparison(project, votes=2)
    makers.make_ranking(comparison, alice)
    makers.make_ranking(comparison, bob, groups=[[3], [2], [1], [0]])
    return comparison


@pytest.fixture
def pages(live: Server, project: Project, alice: User, bob: User, rita: User) -> dict[str, str]:
    """Every reviewer's page, with something on it."""
    project.ask_strength, project.span_categories = True, ["made up"]
    rules(project, random_share=1.0, low_agreement=True)
    disputed = dispute(project, alice, bob)
    rich, _ = comparisons.bring(
        project=project,
        prompt=[{"role": "system", "content": "Be kind."}, {"role": "user", "content": RICH}],
        completions=[{"text": RICH + letter} for letter in "abc"] + [{"text": "long " * 4000}],
    )
    cid = str(rich.candidates.get(index=0).completion_id)
    grades = {str(c.completion_id): 7 - c.index for c in rich.candidates.all()}
    mark = Span(start=0, end=6, category="made up", comment="Nobody said so.")
    ranking = makers.make_ranking(
        rich, alice, note="A note.", ratings=grades, flags={cid: ["hallucination"]}, spans={cid: [mark]}
    )
    Membership.objects.create(project=makers.make_project("other"), user=rita, role="reviewer")
    open_one = makers.make_ranking(makers.make_comparison(project, votes=2), alice)
    nine = makers.make_ranking(makers.make_comparison(project, k=9), alice)
    demonstration = makers.make_demonstration(project, alice, question=RICH)
    turn = demonstration.turns.get(role="assistant")
    turn.completion = Completion.objects.create(text="It works, slowly.", index=0, finish_reason="provided")
    turn.save()
    Review.objects.create(ranking=rank(project, alice), reviewer=rita, decision="accepted")
    return {
        "projects": "/review/",
        "queue": f"/projects/{project.slug}/review/",
        "nothing": f"/projects/{project.slug}/review/?reason=exam",
        "hidden": f"/review/rankings/{ranking.pk}/",
        "shown": f"/review/rankings/{ranking.pk}/?order=1",
        "nine": f"/review/rankings/{nine.pk}/?order=1",
        "not yet": f"/review/rankings/{open_one.pk}/",
        "disputed": f"/review/rankings/{disputed.rankings.all()[0].pk}/?order=1",
        "dialogue": f"/review/dialogues/{demonstration.pk}/",
        "all orders": f"/review/comparisons/{disputed.pk}/?from={disputed.rankings.all()[0].pk}",
        "orders with marks": f"/review/comparisons/{rich.pk}/?from={ranking.pk}",
        "orders of nine": f"/review/comparisons/{nine.comparison_id}/",
    }


def walk(visit: Visits, rita: User, pages: dict[str, str], screen: Screen) -> dict[str, list[str]]:
    visitor = visit(rita, **screen.options)
    found: dict[str, list[str]] = {}
    for name, path in pages.items():
        found |= look(visitor.open(path), "reviewer", name, screen)
    return found


@pytest.mark.parametrize("screen", QUICK, ids=str)
def test_axe_finds_nothing_on_the_reviewers_pages(
    visit: Visits, rita: User, pages: dict[str, str], screen: Screen
) -> None:
    assert not walk(visit, rita, pages, screen)


@pytest.mark.slow
@pytest.mark.parametrize("screen", EVERY, ids=str)
def test_every_screen(visit: Visits, rita: User, pages: dict[str, str], screen: Screen) -> None:
    assert not walk(visit, rita, pages, screen)


def test_words_are_commented_on_by_keys_and_by_mouse_and_the_trainer_reads_it(
    visit: Visits, project: Project, alice: User, rita: User
) -> None:
    rules(project, random_share=1.0)
    ranking = makers.make_ranking(makers.make_comparison(project, k=2), alice)
    page = visit(rita).open(f"/review/rankings/{ranking.pk}/?order=1")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("#card-B")).to_be_focused()
    page.keyboard.press("v")
    expect(page.get_by_role("heading", name="Mark words of B")).to_be_visible()
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.type("This is not so.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#card-B [data-mark-list]")).to_contain_text("This is not so.")
    page.locator("#card-A .prose").get_by_text(re.compile(r"\w")).first.select_text()
    page.keyboard.press("v")
    expect(page.get_by_label("What the trainer should know about them")).to_be_focused()
    page.keyboard.type("Nor this.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#card-A [data-mark-list]")).to_contain_text("Nor this.")
    page.keyboard.press("r")
    page.keyboard.press("1")
    expect(page.get_by_text("That was the last one")).to_be_visible()
    review = Review.objects.get()
    said = {one["comment"] for marks in review.spans.values() for one in marks}
    assert said == {"Nor this.", "This is not so."}
    page = visit(alice).open(f"/returned/{ranking.pk}/")
    expect(page.locator(".remarks li")).to_have_count(2)
    expect(page.locator(".remarks li").last).to_contain_text("This is not so.")
