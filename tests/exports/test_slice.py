import json

from django.core.management import call_command

from tests import makers


def test_a_folder_of_everything(project, alice, bob, tmp_path):
    comparison = makers.make_comparison(project)
    makers.make_ranking(comparison, alice, groups=[[0], [1, 2], [3]])
    makers.make_demonstration(project, alice)
    makers.make_chat(project, alice, submit=True)
    call_command("export", project.slug, "--out", str(tmp_path / "x"))
    manifest = json.loads((tmp_path / "x/manifest.json").read_text())
    print(json.dumps(manifest["files"], indent=1), manifest["counts"], manifest["excluded"])
    for f in manifest["files"]:
        print(f["path"]); print((tmp_path / "x" / f["path"]).read_text())
    print((tmp_path / "x/README.md").read_text())
    assert 0
