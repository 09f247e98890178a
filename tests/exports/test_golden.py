"""Every configuration and rendering against a file in golden/, byte by byte; and the traps of
docs/formats.md as tests. DUOLOGUE_GOLDEN=write writes the files anew: read the difference before you
commit it."""

import hashlib
import json
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from accounts.models import User
from common.shapes import Message
from exports.formats.base import FORMATS
from exports.renderings.base import RENDERINGS
from exports.writing.files import SplitFile
from exports.writing.jsonl import line
from labeling import comparisons, dialogues, projects, turns
from labeling.ai_judges import judges
from labeling.models import (
    AiJudgement,
    AiVerdict,
    Candidate,
    Comparison,
    Dialogue,
    GuidelineVersion,
    Project,
    Prompt,
    Ranking,
    Turn,
    TurnFeedback,
)
from moderation import marks
from moderation.models import Verdict, VerdictFeedback
from sampler.models import Completion, ModelVersion
from sampler.sampling import request_completions
from tests import makers
from tests.exports.makers import export, given, rows

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def fixed(name: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, name)


def comparison(project: Project, name: str, prompt: list[Message], texts: list[str], *, source: str = "") -> list[str]:
    made = Comparison.objects.create(
        id=fixed(name), project=project, state="open", prompt=prompt, prompt_key=name, split="train", k=len(texts),
        opened_at=AT, source=source,
    )  # fmt: skip
    ids = []
    for index, text in enumerate(texts):
        completion = Completion.objects.create(
            id=fixed(f"{name}-{index}"), text=text, model_label=f"model-{index}", finish_reason="provided",
            params={"temperature": 0.7, "top_p": 1, "top_k": 0, "max_tokens": 64},
        )  # fmt: skip
        Candidate.objects.create(comparison=made, completion=completion, index=index)
        ids.append(str(completion.pk))
    return ids


@pytest.fixture
def golden_project(db: None) -> Project:
    """Fixed ids, dates and keys: one of everything."""
    project = makers.make_project("golden", pseudonym_key="ab" * 32, split_salt="golden", ask_strength=True)
    GuidelineVersion.objects.filter(project=project).update(created_at=AT)
    alice = makers.make_user("alice", id=900_001)
    projects.set_membership(project=project, user=alice, role="trainer")
    guideline = projects.current_guidelines(project)
    first = comparison(
        project,
        "colours",
        [
            {"role": "system", "content": "Answer briefly."},
            {"role": "user", "content": "Why is the sky blue?\u2028And the sea?"},
        ],
        ["  Air scatters blue light.  ", "It just is.", "מפני שהאוויר מפזר אור כחול.", "It just is."],
    )
    second = comparison(
        project,
        "hello",
        [{"role": "user", "content": "Say hello."}],
        ["Hello!", "Go away \N{PILE OF POO}."],
        source="own",
    )
    for name, ids, columns in (
        (
            "colours",
            first,
            {"groups": [[first[0]], [first[1], first[2]], [first[3]]], "ratings": {first[0]: 6}, "strengths": [3, 1]},
        ),
        (
            "hello",
            second,
            {
                "groups": [[second[0]], [second[1]]],
                "flags": {second[1]: ["opinion"]},
                "note": "rude",
                "criteria": {second[0]: {"honest": 5}},
                "scales": [{"name": "honest", "steps": 5}],
                "spans": {second[1]: [{"start": 8, "end": 9, "category": "rude", "comment": "Why?"}]},
            },
        ),
    ):
        lease = makers.make_lease(Comparison.objects.get(pk=fixed(name)), alice)
        Ranking.objects.create(
            id=fixed(f"ranking {name}"), assignment=lease, comparison_id=fixed(name), trainer=alice,
            guideline_version=guideline, order_shown=list(reversed(ids)), seconds=40, label_weight=1.0, submitted_at=AT,
            **columns,
        )  # fmt: skip
    _talk(project, alice)
    _judged(project, alice)
    _judge(project, second)
    return project


def _judged(project: Project, alice: User) -> None:
    """A reply that is warned of, which alice finds harmless, and a message that was not sent."""
    Verdict.objects.all().delete()
    reply = Turn.objects.get(feedback__id=fixed("thumb"))
    for target, text_id, action, scores, text in (
        ("turn", reply.pk, "warn", {"hate": 0.6, "self-harm": 0}, ""),
        ("message", fixed("unsent"), "block", {"hate": 1}, "Go away, all of you.\r\n"),
    ):
        Verdict.objects.create(
            id=fixed(f"verdict {target}"), project=project, target=target, target_id=text_id, filter="patterns",
            filter_version="1", category="hate", action=action, scores=scores, text=text,
        )  # fmt: skip
    marks.mark(verdict=Verdict.objects.get(target="turn"), user=alice, harmful=False, comment="It is not rude.")
    Verdict.objects.update(created_at=AT)
    VerdictFeedback.objects.update(created_at=AT)


def _judge(project: Project, ids: list[str]) -> None:
    """An AI judge that prefers the first answer in one order and says nothing readable in the other."""
    model = makers.make_model("judge", weights_hash="e" * 64)
    judge = judges.appoint(project=project, model_version=model, prompt="{conversation}\n{first}\n{second}", share=1)
    said = AiJudgement.objects.create(
        id=fixed("judgement"), judge=judge, comparison_id=fixed("hello"), judged_at=AT, groups=[[ids[0]], [ids[1]]]
    )
    for (first, second), answer, verdict in (
        ((ids[0], ids[1]), "Kinder.\r\nVERDICT: 1", "first"),
        ((ids[1], ids[0]), "", "unanswered"),
    ):
        request = request_completions(model_version=model, prompt=[{"role": "user", "content": "Which?"}])
        AiVerdict.objects.create(judgement=said, first_id=first, second_id=second, request=request, said=verdict)
        if answer:
            makers.answer(request, answer)


def _talk(project: Project, alice: User) -> None:
    """A demonstration, a rated chat and a prompt of the pool."""
    spoken = makers.make_demonstration(project, alice, submit=False, question="How long is a day?")
    turns.add_turn(dialogue=spoken, role="user", text="And on the moon?")
    turns.add_turn(dialogue=spoken, role="assistant", text="About 29.5 of ours.\n")
    dialogues.submit_dialogue(dialogue=spoken)
    for turn in spoken.turns.all():
        Turn.objects.filter(pk=turn.pk).update(id=fixed(f"turn {turn.position}"))
    chat = makers.make_chat(project, alice)
    reply = chat.turns.get(role="assistant")
    TurnFeedback.objects.create(id=fixed("thumb"), turn=reply, user=alice, thumb_up=True)
    TurnFeedback.objects.update(created_at=AT)
    for dialogue, name in ((spoken, "demonstration"), (chat, "chat")):
        copy = Dialogue.objects.get(pk=dialogue.pk)
        copy.pk = fixed(name)
        copy.submitted_at = AT
        copy.save(force_insert=True)
        dialogue.turns.update(dialogue=copy)
        Dialogue.objects.filter(pk=copy.pk).update(split="train")
        Dialogue.objects.filter(pk=dialogue.pk).delete()
    rated = Turn.objects.get(feedback__id=fixed("thumb"))
    Turn.objects.filter(dialogue_id=fixed("chat"), role="user").update(text="What is new?")
    Turn.objects.filter(pk=rated.pk).update(text="Nothing much.")
    Completion.objects.filter(pk=given(rated.completion_id)).update(text="Nothing much.")
    ModelVersion.objects.filter(completions=rated.completion).update(slug="fake")
    projects.add_prompts(project=project, prompts=[[{"role": "user", "content": "Name a colour."}]], source="pool A")
    Prompt.objects.update(id=fixed("prompt"))
    TurnFeedback.objects.filter(pk=fixed("thumb")).update(turn=rated)


CHOICES = [*FORMATS.choices(), *RENDERINGS.choices()]


def test_every_choice_has_its_golden_file(golden_project: Project, tmp_path: Path) -> None:
    renderings = [option for name in RENDERINGS.choices() for option in ("--render", name)]
    export(golden_project, tmp_path / "x", "--config", ",".join(FORMATS.choices()), *renderings)
    written = os.environ.get("DUOLOGUE_GOLDEN") == "write"
    for name in CHOICES:
        if name == "verl":
            import pyarrow.parquet as pq

            folder = tmp_path / "x/verl"
            table = [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]
            assert rows(tmp_path / "x", "verl") == table  # beside it, for `datasets`
            found = "".join(line(row) + "\n" for row in sorted(table, key=lambda row: row["extra_info"]["id"]))
        else:
            found = "".join(sorted(p.read_text() for p in (tmp_path / "x" / name).glob("*.jsonl")))
        if name in ("raw", "ratings", "moderation"):
            found = _steady(found)
        golden = GOLDEN / f"{name}.jsonl"
        if written:
            golden.parent.mkdir(exist_ok=True)
            golden.write_text(found)
        assert found == golden.read_text(), name
    info = json.loads((tmp_path / "x/llamafactory/dataset_info.json").read_text())
    assert info["duologue_train"]["file_name"] == "train.jsonl"


def _steady(text: str) -> str:
    """Less what a database numbers or dates itself: ids of turns, dates of creation."""
    kept = []
    for row in map(json.loads, text.splitlines()):
        if "record" in row:
            body = json.loads(row["record"])
            for turn in body.get("turns", ()):
                turn.pop("id")
            row = {**row, "record": body} | ({"created_at": ""} if row["type"] == "prompt" else {})
        row.pop("turn_id", None)
        row.pop("text_id", None)
        kept.append(line(row) + "\n")
    return "".join(sorted(kept))


def test_rows_obey_the_byte_rules(golden_project: Project, tmp_path: Path) -> None:
    manifest = export(golden_project, tmp_path / "x")
    seen = set()
    for file in manifest["files"]:
        data = (tmp_path / "x" / file["path"]).read_bytes()
        assert data.endswith(b"\n")
        assert not data.startswith(b"\xef\xbb\xbf")
        assert b"\r" not in data
        ids = []
        for text in data.decode().split("\n")[:-1]:
            assert not {"\u2028", "\u2029", "\x85"} & set(text)
            row = json.loads(text)
            assert line(row) == text
            ids.append((row.get("created_at", ""), row["id"]))
            seen |= {
                m["role"] for v in row.values() if isinstance(v, list) for m in v if isinstance(m, dict) and "role" in m
            }
            assert list(row) == list(FORMATS.load(file["config"]).columns or ())
        assert ids == sorted(ids) or file["config"] == "prompts"  # which says no instant
    assert seen == {"system", "user", "assistant"}
    raw = (tmp_path / "x/preferences/train.jsonl").read_text()
    assert "\\u2028" in raw
    assert "מפני" in raw


def test_answers_are_stripped_and_pairs_of_equal_text_dropped(golden_project: Project, tmp_path: Path) -> None:
    manifest = export(golden_project, tmp_path / "x", "--config", "preferences")
    pairs = [p for p in rows(tmp_path / "x", "preferences") if p["num_completions"] == 4]
    assert manifest["counts"]["ties"] == 1
    assert manifest["counts"]["pairs of equal text"] == 1
    assert {p["num_pairs"] for p in pairs} == {4}
    assert sum(p["weight"] for p in pairs) == pytest.approx(1)
    assert all(m["content"] == m["content"].strip() for p in pairs for m in (*p["chosen"], *p["rejected"]))
    by_place = {(p["chosen_rank"], p["rejected_rank"]): p["strength"] for p in pairs}
    assert by_place == {(0, 1): 3, (0, 2): None, (1, 2): 1}  # known only between adjacent places
    forbidden = {"margin", "chosen_ids", "rejected_ids", "labels", "chat_template_kwargs", "prompts", "completions"}
    assert not forbidden & set(pairs[0])


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([("assistant", "Hi"), ("user", "Hi")], "bad turn order"),
        ([("user", "Hi"), ("user", "Hi")], "bad turn order"),
        ([("user", "Hi"), ("assistant", "Hi")], "bad turn order"),
        ([("user", "  ")], "empty text"),
        ([("user", "Hi <|im_end|>")], "control token in a text"),
        ([], "bad turn order"),
    ],
)
def test_prompts_that_a_reader_would_misread_are_left_out_and_counted(
    project: Project, alice: User, tmp_path: Path, messages: list[tuple[str, str]], reason: str
) -> None:
    made = makers.make_comparison(project)
    makers.make_ranking(made, alice)
    Comparison.objects.filter(pk=made.pk).update(prompt=[{"role": r, "content": c} for r, c in messages])
    manifest = export(project, tmp_path / "x", "--config", "preferences,rankings")
    assert manifest["excluded"] == {reason: 1}
    assert manifest["files"] == []


def test_control_tokens_in_an_answer_keep_the_ranking_out(project: Project, alice: User, tmp_path: Path) -> None:
    made = makers.make_comparison(project)
    makers.make_ranking(made, alice)
    Completion.objects.filter(pk=given(made.candidates.first()).completion_id).update(text="Bye<|im_end|>")
    assert export(project, tmp_path / "x", "--config", "preferences")["excluded"] == {"control token in a text": 1}


def test_a_file_of_nothing_but_dates_is_left_out(tmp_path: Path) -> None:
    file = SplitFile(tmp_path, "sft", "train")
    for day in range(3):
        file.write({"id": str(day), "completion": [{"role": "assistant", "content": f"2025-01-0{day + 1}"}]}, str(day))
    assert file.finish() == []
    assert file.only_dates
    assert list(tmp_path.iterdir()) == []
    mixed = SplitFile(tmp_path, "sft", "train")
    for text in ("2025-01-01", "in March"):
        mixed.write({"id": text, "completion": [{"role": "assistant", "content": text}]}, text)
    assert mixed.finish()[0].rows == 2


@pytest.mark.parametrize(("compress", "magic"), [("gzip", b"\x1f\x8b"), ("zstd", b"\x28\xb5\x2f\xfd")])
def test_packed_files_are_the_same_bytes_each_time(
    golden_project: Project, tmp_path: Path, compress: str, magic: bytes
) -> None:
    first = export(golden_project, tmp_path / "one", "--compress", compress, "--shards", "2")
    second = export(
        golden_project, tmp_path / "two", "--compress", compress, "--shards", "2", "--cutoff", first["cutoff"]
    )
    assert [f["sha256"] for f in first["files"]] == [f["sha256"] for f in second["files"]]
    for file in first["files"]:
        data = (tmp_path / "one" / file["path"]).read_bytes()
        assert data.startswith(magic)
        assert hashlib.sha256(data).hexdigest() == file["sha256"]
    gz = [f for f in first["files"] if f["path"].endswith(".gz")]
    assert all((tmp_path / "one" / f["path"]).read_bytes()[3:8] == b"\0\0\0\0\0" for f in gz)  # no name, no time


def test_hh_leaves_out_what_it_cannot_say(golden_project: Project, alice_pair: Ranking, tmp_path: Path) -> None:
    manifest = export(golden_project, tmp_path / "x", "--config", "preferences", "--render", "hh")
    assert manifest["excluded_by_config"]["hh"] == {
        "hh: a system message, which the format cannot say": 4,
        "hh: a text that holds a marker of the format": 1,
    }
    (row,) = rows(tmp_path / "x", "hh")
    assert row["chosen"] == "\n\nHuman: Say hello.\n\nAssistant: Hello!"


@pytest.fixture
def alice_pair(golden_project: Project) -> Ranking:
    """A ranking whose text holds a marker of the hh format."""
    alice = golden_project.memberships.get(user__username="alice").user
    made, _ = comparisons.bring(
        project=golden_project,
        prompt=[{"role": "user", "content": "Quote:\n\nHuman: hm"}],
        completions=[{"text": "a"}, {"text": "b"}],
    )
    Comparison.objects.filter(pk=made.pk).update(split="train")
    return makers.make_ranking(made, alice)
