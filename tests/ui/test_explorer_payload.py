"""What travels to the browser: unpacked here by a second reading of the layout, and small where it must be."""

import json
from dataclasses import replace

import numpy as np
import pytest

from dataeff_core.ui.explore.explored import Explored, Limits
from dataeff_core.ui.explore.payload import fresh_scores, geometry, pack, score_changes, whole_scores


def unpack(data: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length])
    arrays = {}
    for section in header["sections"]:
        start = 4 + length + section["offset"]
        assert start % 8 == 0
        arrays[section["name"]] = np.frombuffer(data, "<" + section["type"], section["count"], start)
    return header, arrays


@pytest.mark.parametrize("n", [0, 1, 7, 64])
def test_arrays_come_out_as_they_went_in(n: int) -> None:
    rng = np.random.default_rng(n)
    sent = {
        "f": rng.normal(size=n).astype(np.float32),
        "b": rng.integers(0, 256, n).astype(np.uint8),
        "s": rng.integers(0, 9999, n).astype(">u2"),
        "strided": np.arange(2 * n, dtype=np.int32)[::2],
    }
    header, got = unpack(pack({"name": "\N{MICROSCOPE} <b>"}, sent))
    assert header["name"] == "\N{MICROSCOPE} <b>"
    for name, values in sent.items():
        assert np.array_equal(got[name], values)


def test_geometry_holds_every_frame_in_order(explored: Explored) -> None:
    header, got = unpack(geometry(explored.dataset, explored.frame_map))
    frames = explored.dataset.frames
    assert header["n"] == len(frames)
    assert got["id"].tobytes().hex() == "".join(frames["frame_id"])
    assert [header["groups"][one] for one in got["group"]] == frames["group"].tolist()
    assert np.array_equal(got["order"], frames["order"])
    xy = explored.frame_map.coordinates(frames["frame_id"].to_numpy(dtype=object))
    assert np.array_equal(np.stack([got["x"], got["y"]], axis=1), xy)
    assert "time" not in got  # none of them is of a video


def test_whole_scores_are_the_very_float32_numbers(explored: Explored) -> None:
    header, got = unpack(whole_scores("x", explored.base))
    assert header["kind"] == "full"
    assert (header["epsilon"], header["invalid"]) == (explored.base.epsilon, explored.base.invalid)
    for name, values in (("F", explored.base.insertion_similarity), ("d", explored.base.distances)):
        assert got[name].dtype == np.float32
        assert np.array_equal(got[name], values, equal_nan=True)
    assert np.array_equal(got["cluster"], explored.base.labels)


def test_a_small_change_is_sent_as_the_rows_that_changed(explored: Explored, strict: Limits) -> None:
    before, after = explored.decide(explored.start), explored.decide(strict)
    header, got = unpack(score_changes("y", before.scores, after.scores, after.codes, after.eta))
    assert header["kind"] == "delta"
    F = before.scores.insertion_similarity.copy()
    F[got["rows"]] = got["F"]
    assert np.array_equal(F, after.scores.insertion_similarity, equal_nan=True)
    assert len(got["rows"]) < len(F)


def test_a_change_of_many_scores_is_sent_as_decisions_and_stays_small(explored: Explored, strict: Limits) -> None:
    n = 100_000
    rng = np.random.default_rng(0)
    arrays = {
        "labels": np.zeros(n, np.int32),
        "distances": rng.random(n).astype(np.float32),
        "outside": np.zeros(n, np.uint8),
        "invalid_score": None,
    }
    before = replace(explored.base, insertion_similarity=rng.random(n).astype(np.float32), **arrays)
    after = replace(before, insertion_similarity=rng.random(n).astype(np.float32))
    codes = after.codes(0.9)
    data = score_changes("y", before, after, codes, 0.9)
    header, got = unpack(data)
    assert header["kind"] == "codes"
    assert np.array_equal(got["codes"], codes)
    import gzip

    assert len(gzip.compress(data, 4)) < 48_000
    header, got = unpack(fresh_scores("y", after))
    assert header["kind"] == "F"
    assert np.array_equal(got["F"], after.insertion_similarity)
