import json
from pathlib import Path

import numpy as np
import pytest

from dataeff_core.cli import main
from dataeff_core.errors import BadInput, Cancelled, NotFound, Stale, StorageFailed
from dataeff_core.patches import make, proposing
from dataeff_core.patches.proposing import propose
from dataeff_core.patches.shards import RowShards
from dataeff_core.patches.stored import PATCH_COLUMNS, patch_set, patch_sets
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset, Workspace
from tests.fabrication import fabricate

LAX = {"min_side": 8, "lit": 0}


@pytest.fixture
def small(tmp_path: Path) -> tuple[Workspace, Dataset]:
    workspace, dataset, _, _ = fabricate(tmp_path / "w", frames=12)
    return workspace, dataset


def test_every_patch_lies_in_its_frame(small: tuple[Workspace, Dataset]) -> None:
    workspace, dataset = small
    found = propose(workspace, dataset, make("superpixels", LAX))
    table = found.table
    assert {name: str(kind) for name, kind in table.dtypes.items()} | {"patch_id": "string"}  # readable
    assert list(table.columns) == list(PATCH_COLUMNS)
    assert table["patch_id"].is_unique
    joined = table.merge(dataset.frames[["frame_id", "height", "width", "sha256"]], on="frame_id", how="left")
    assert (joined["sha256_x"] == joined["sha256_y"]).all()
    assert (table[["top", "left"]].to_numpy() >= 0).all()
    assert (joined["bottom"] <= joined["height"]).all()
    assert (joined["right"] <= joined["width"]).all()
    assert (table["bottom"] - table["top"]).min() >= 8
    sizes = (joined["bottom"] - joined["top"]) * (joined["right"] - joined["left"])
    np.testing.assert_allclose(table["area"], sizes / (joined["height"] * joined["width"]), rtol=1e-6)
    assert table["frame_id"].drop_duplicates().tolist() == [
        one for one in dataset.frames["frame_id"] if one in set(table["frame_id"])
    ]


def test_the_same_set_is_found_again_and_settings_make_another(small: tuple[Workspace, Dataset]) -> None:
    workspace, dataset = small
    one = propose(workspace, dataset, make("grid", LAX))
    assert propose(workspace, dataset, make("grid", LAX)).record == one.record
    other = propose(workspace, dataset, make("grid", LAX | {"cells": 3}))
    assert other.id != one.id
    assert [each.id for each in patch_sets(dataset)] == [one.id, other.id]
    assert patch_set(dataset).id == patch_set(dataset, "grid").id == other.id
    assert patch_set(dataset, one.id).id == one.id


def test_processes_find_what_one_finds(tmp_path: Path) -> None:
    workspace, dataset, _, _ = fabricate(tmp_path / "w", frames=40)
    alone = propose(workspace, dataset, make("grid", LAX), workers=0).table
    other, copy, _, _ = fabricate(tmp_path / "v", frames=40)
    assert propose(other, copy, make("grid", LAX), workers=2).table.equals(alone)


class Stopping(Reporter):
    def stop_asked(self) -> bool:
        return self.phase_name.startswith("proposing") and self.done >= 5


def test_a_stopped_search_goes_on_where_it_was(small: tuple[Workspace, Dataset]) -> None:
    workspace, dataset = small
    with pytest.raises(Cancelled):
        propose(workspace, dataset, make("grid", LAX), workers=0, reporter=Stopping())
    assert patch_sets(dataset) == []
    reporter = Reporter()
    found = propose(workspace, dataset, make("grid", LAX), workers=0, reporter=reporter)
    assert reporter.total == 12 - 5
    fresh = propose(workspace, dataset, make("grid", LAX | {"most": 31}), workers=0)
    assert found.table.equals(fresh.table)


def test_a_bad_file_stops_nothing_and_is_tried_again(small: tuple[Workspace, Dataset]) -> None:
    workspace, dataset = small
    lost = workspace.thumbnail(str(dataset.frames["sha256"][3]))
    kept = lost.read_bytes()
    lost.write_bytes(b"broken")
    found = propose(workspace, dataset, make("grid", LAX), workers=0)
    assert found.record.unreadable == len(found.unreadable) == 1
    assert found.unreadable["path"][0] == dataset.frames["path"][3]
    assert "1 frames cannot be read" in found.record.notes["unreadable"]
    assert found.table["frame_id"].nunique() == 11
    lost.write_bytes(kept)
    mended = propose(workspace, dataset, make("grid", LAX), workers=0)
    assert (mended.id, mended.record.unreadable) == (found.id, 0)
    assert mended.table["frame_id"].nunique() == 12


def test_frames_without_a_patch_are_counted_and_none_at_all_is_an_error(small: tuple[Workspace, Dataset]) -> None:
    workspace, dataset = small
    with pytest.raises(BadInput, match="finds no patch in any of 12 frames"):
        propose(workspace, dataset, make("grid", {"min_side": 2000}), workers=0)
    assert patch_sets(dataset) == []
    with pytest.raises(BadInput, match="workers -1"):
        propose(workspace, dataset, make("grid"), workers=-1)


def test_a_changed_dataset_is_noticed(small: tuple[Workspace, Dataset]) -> None:
    workspace, dataset = small
    found = propose(workspace, dataset, make("grid", LAX), workers=0)
    changed = Dataset(dataset.folder, dataset.record.model_copy(update={"fingerprint": "other"}))
    with pytest.raises(Stale, match="run `patches"):
        found.check_fits(changed)
    assert propose(workspace, changed, make("grid", LAX), workers=0).id != found.id


def test_no_patches_yet_says_how_to_get_some(small: tuple[Workspace, Dataset]) -> None:
    with pytest.raises(NotFound, match="run `patches"):
        patch_set(small[1])


def test_damaged_shards_are_named(tmp_path: Path) -> None:
    store = RowShards(tmp_path)
    store.add("a" * 64, {"boxes": np.zeros((2, 5))})
    store.add("b" * 64, {"boxes": np.empty((0, 5))})
    store.flush()
    again = RowShards(tmp_path)
    again.open()
    assert again.known == {"a" * 64, "b" * 64}
    counts, rows = again.gather(["b" * 64, "a" * 64, "c" * 64, "a" * 64], ["boxes"])
    assert counts.tolist() == [0, 2, 0, 2]
    assert rows["boxes"].shape == (4, 5)
    again.shards[0].write_bytes(b"PK damaged")
    with pytest.raises(StorageFailed, match="damaged"):
        RowShards(tmp_path).open()


def test_rows_of_many_shards_come_in_the_order_asked_for(tmp_path: Path) -> None:
    rng, kept = np.random.default_rng(0), {}
    store = RowShards(tmp_path)
    for number in range(20):
        kept[f"{number:064d}"] = rows = {"a": rng.random((number % 4, 3)), "b": rng.random(number % 4)}
        store.add(f"{number:064d}", rows)
        if number % 3 == 0:
            store.flush()
    store.flush()
    assert len(store.shards) == 8
    asked = rng.choice([*kept, "f" * 64], 50).tolist()
    counts, rows = store.gather(asked, ["b", "a"])
    there = [kept[key] for key in asked if key in kept]
    assert counts.tolist() == [len(kept[key]["b"]) if key in kept else 0 for key in asked]
    for name in ("a", "b"):
        np.testing.assert_array_equal(rows[name], np.concatenate([one[name] for one in there]))


def test_the_verb(small: tuple[Workspace, Dataset], capsys: pytest.CaptureFixture[str]) -> None:
    workspace, dataset = small
    arguments = ["patches", dataset.id, "--set", "min_side=8", "--set", "lit=0", "--workspace", str(workspace.root)]
    assert main([*arguments, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["patches"] == len(patch_set(dataset, result["patch_set"]).table)
    assert main(arguments) == 0
    assert "patches of 12 frames by superpixels" in capsys.readouterr().out
    assert main([*arguments, "--checkpoint", "x.pth"]) == 2
    assert main([*arguments, "--set", "parts=3"]) == 2
    assert main(["patches", dataset.id, "--proposer", "sam", "--workspace", str(workspace.root)]) == 2
    assert "needs its weights" in capsys.readouterr().err


def test_workers_are_handed_what_they_can_take() -> None:
    import pickle

    finding = proposing.Finding(make("superpixels").load(), make("superpixels"))
    assert pickle.loads(pickle.dumps(finding)) == finding  # noqa: S301 our own
