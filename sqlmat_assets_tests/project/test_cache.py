import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Project
from sqlmat_assets.relation import Relation

FOLDERS = Path(__file__).parent / "folders"
TABLE = Relation("first", "t")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "sql/first").mkdir(parents=True)
    (tmp_path / "sql/first/t - 1h.sql").write_text("select a as kept from src.x")
    return tmp_path / "sql"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "deep/cache"


def columns(project: Project) -> list[str]:
    return [column.name for column in project.models[TABLE].columns]


def only_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def doctor(folder: Path, old: str, new: str) -> None:
    """Change what the cache says, to see whether it is believed."""
    file = only_file(folder)
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_project_from_the_cache_equals_the_one_parsed(tmp_path: Path) -> None:
    root = FOLDERS / "duro"
    parsed = load_project(root, cache_dir=tmp_path)
    assert load_project(root, cache_dir=tmp_path) == parsed == load_project(root)


def test_problems_come_from_the_cache_too(root: Path, kept: Path) -> None:
    (root / "first/bad - 1h.sql").write_text("selec 1")
    (root / "first/bad_test.sql").write_text("selec 1")
    parsed = load_project(root, cache_dir=kept)
    assert len(parsed.problems) > 1
    assert load_project(root, cache_dir=kept).problems == parsed.problems


def test_a_known_text_is_not_parsed_again(root: Path, kept: Path) -> None:
    load_project(root, cache_dir=kept)
    doctor(kept, "kept", "from_the_cache")
    assert columns(load_project(root, cache_dir=kept)) == ["from_the_cache"]


def test_a_changed_text_is(root: Path, kept: Path) -> None:
    load_project(root, cache_dir=kept)
    (root / "first/t - 1h.sql").write_text("select a as changed from src.x")
    assert columns(load_project(root, cache_dir=kept)) == ["changed"]


def test_a_moved_file_says_where_it_is_now(root: Path, kept: Path) -> None:
    (root / "first/t - 1h.sql").write_text("selec 1")
    load_project(root, cache_dir=kept)
    (root / "first/t - 1h.sql").rename(root / "first/t - 2h.sql")
    assert {problem.path for problem in load_project(root, cache_dir=kept).problems} == {"first/t - 2h.sql"}


def test_what_another_version_parsed_is_thrown_away(root: Path, kept: Path) -> None:
    load_project(root, cache_dir=kept)
    version = json.loads(only_file(kept).read_text())["version"]
    doctor(kept, "kept", "from_the_cache")
    doctor(kept, version, "another")
    assert columns(load_project(root, cache_dir=kept)) == ["kept"]
    assert json.loads(only_file(kept).read_text())["version"] == version


def test_dialects_are_kept_apart(root: Path, kept: Path) -> None:
    (root / "first/t - 1h.sql").write_text('select "a" as kept from src.x')
    for _ in range(2):
        assert load_project(root, cache_dir=kept, dialect="bigquery").dialect == "bigquery"
        assert columns(load_project(root, cache_dir=kept)) == ["kept"]
    assert len(list(kept.iterdir())) == 2


def test_what_is_gone_is_forgotten(root: Path, kept: Path) -> None:
    (root / "first/u - 1h.sql").write_text("select a as passing from src.x")
    load_project(root, cache_dir=kept)
    assert "passing" in only_file(kept).read_text()
    (root / "first/u - 1h.sql").unlink()
    load_project(root, cache_dir=kept)
    assert "passing" not in only_file(kept).read_text()


def test_nothing_new_means_nothing_written(root: Path, kept: Path) -> None:
    load_project(root, cache_dir=kept)
    before = only_file(kept).stat()
    load_project(root, cache_dir=kept)
    after = only_file(kept).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def entries(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text())["parsed"]


@pytest.mark.parametrize("length", [0, 1, 20, 100, -1])
def test_a_truncated_file_counts_as_none(root: Path, kept: Path, length: int) -> None:
    load_project(root, cache_dir=kept)
    file = only_file(kept)
    whole = file.read_bytes()
    file.write_bytes(whole[:length])
    assert columns(load_project(root, cache_dir=kept)) == ["kept"]
    assert file.read_bytes() == whole


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"[]", b"null", b'{"version": 1}', b'{"version": "x", "parsed": []}', b"[" * 100_000]
)
def test_another_content_counts_as_none(root: Path, kept: Path, content: bytes) -> None:
    load_project(root, cache_dir=kept)
    file = only_file(kept)
    file.write_bytes(content)
    assert columns(load_project(root, cache_dir=kept)) == ["kept"]
    assert len(entries(file)) == 1


@pytest.mark.parametrize("entry", [None, 1, "x", [], [1, 2, 3, 4, 5], {}, [[[]], [], False, [], []], [None] * 5])
def test_another_entry_is_parsed_again(root: Path, kept: Path, entry: Any) -> None:
    load_project(root, cache_dir=kept)
    file = only_file(kept)
    content = json.loads(file.read_text())
    good = content["parsed"].copy()
    content["parsed"] = dict.fromkeys(good, entry)
    file.write_text(json.dumps(content))
    assert columns(load_project(root, cache_dir=kept)) == ["kept"]
    assert entries(file) == good


def test_a_folder_that_cannot_be_made_or_read_is_done_without(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert columns(load_project(root, cache_dir=tmp_path / "file")) == ["kept"]
    assert columns(load_project(root, cache_dir=tmp_path / "file/deeper")) == ["kept"]


def open_to_everybody(path: Path) -> None:
    for folder in (path, *path.parents):
        if folder != Path("/tmp") and folder.is_relative_to("/tmp"):
            folder.chmod(0o755)


def test_a_folder_that_cannot_be_written_is_read_and_left_alone(root: Path, kept: Path) -> None:
    load_project(root, cache_dir=kept)
    doctor(kept, "kept", "from_the_cache")
    (root / "first/u - 1h.sql").write_text("select 1 as b")
    open_to_everybody(kept)
    kept.chmod(0o555)
    code = f"""
import os
from pathlib import Path
from sqlmat_assets.project.load import load_project
load_project(Path({str(FOLDERS / "duro")!r}))
if os.getuid() == 0:
    os.setuid(65534)
project = load_project(Path({str(root)!r}), cache_dir=Path({str(kept)!r}))
print(*[column.name for model in project for column in model.columns])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("from_the_cache b", "")
    assert len(list(kept.iterdir())) == 1


def test_loads_at_the_same_moment_all_succeed_and_leave_one_whole_file(root: Path, kept: Path) -> None:
    for number in range(50):
        (root / f"first/t{number} - 1h.sql").write_text(f"select {number} as a from src.x")
    code = f"""
import sys
from pathlib import Path
from sqlmat_assets.project.load import load_project
root, kept = Path({str(root)!r}), Path({str(kept)!r})
for turn in range(5):
    (root / f"first/t{{turn}} - 1h.sql").write_text(f"select {{turn}} as by_{{sys.argv[1]}} from src.x")
    assert len(load_project(root, cache_dir=kept)) == 51
"""
    running = [subprocess.Popen([sys.executable, "-c", code, str(n)], stderr=subprocess.PIPE) for n in range(3)]
    assert [process.communicate()[1] for process in running] == [b"", b"", b""]
    assert [process.returncode for process in running] == [0, 0, 0]
    load_project(root, cache_dir=kept)
    assert len(entries(only_file(kept))) == 51


def test_no_cache_writes_nothing(root: Path) -> None:
    before = sorted(os.walk(root.parent))
    load_project(root)
    assert sorted(os.walk(root.parent)) == before
