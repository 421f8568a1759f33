"""Path completion stays inside the allowed folders."""

import os
from pathlib import Path

import pytest

from dataeff_core.datasets.roots import MOST, allowed, allowed_roots, complete
from dataeff_core.errors import BadInput
from tests.datasets.making import save


@pytest.fixture
def roots(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("allowed/patients/p1", "allowed/pictures", "other", "forbidden/secret"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "allowed" / "clip.mp4").write_bytes(b"x")
    (tmp_path / "allowed" / "notes.txt").write_bytes(b"x")
    (tmp_path / "allowed" / ".hidden").mkdir()
    (tmp_path / "allowed" / "out").symlink_to(tmp_path / "forbidden")
    (tmp_path / "allowed" / "round").symlink_to(tmp_path / "allowed" / "round")
    (tmp_path / "allowed" / "to-other").symlink_to(tmp_path / "other")
    return tmp_path / "allowed", tmp_path / "other"


def test_roots_come_from_the_variable_or_home_and_here(tmp_path: Path, roots: tuple[Path, Path]) -> None:
    named = os.pathsep.join([str(roots[0]), str(tmp_path / "none"), str(roots[1]), str(roots[0])])
    assert allowed_roots({"DATAEFF_ROOTS": named}) == roots
    assert allowed_roots({})[0] == Path.home().resolve()
    with pytest.raises(BadInput, match="DATAEFF_ROOTS"):
        allowed_roots({"DATAEFF_ROOTS": str(tmp_path / "none")})


def test_completion(roots: tuple[Path, Path]) -> None:
    top = str(roots[0])
    assert complete("", roots) == [f"{top}/", f"{roots[1]}/"]
    assert complete(f"{top}/p", roots) == [f"{top}/patients/", f"{top}/pictures/"]
    assert complete(f"{top}/", roots) == [
        f"{top}/clip.mp4",
        f"{top}/patients/",
        f"{top}/pictures/",
        f"{top}/to-other/",
    ]
    assert complete(f"{top}/patients/", roots) == [f"{top}/patients/p1/"]
    assert complete(f"{top}/none/", roots) == []
    assert complete(top[:-3], roots) == [f"{top}/"]  # on the way to a root


def test_what_lies_outside_is_refused(tmp_path: Path, roots: tuple[Path, Path]) -> None:
    for path in (
        tmp_path / "forbidden" / "secret",
        roots[0] / "out" / "secret",
        roots[0] / ".." / "forbidden",
        Path("/etc/passwd"),
        Path("../allowed"),
        Path(str(roots[0]) + "-but-longer"),
        Path("a\0b"),
        Path("x" * 5000),
        Path("~nobody-of-that-name/x"),
        roots[0] / "round",
    ):
        with pytest.raises(BadInput):
            allowed(path, roots)
    for prefix in (
        "~nobody-of-that-name/",
        "a\0b/",
        "x" * 5000,
        f"{roots[0]}/round/",
        "/etc/",
        "/etc/pa",
        f"{roots[0]}/../forbidden/",
        f"{roots[0]}/out/",
        "../",
        "/",
    ):
        assert_refused_or_only_roots(prefix, roots)


def assert_refused_or_only_roots(prefix: str, roots: tuple[Path, Path]) -> None:
    try:
        assert set(complete(prefix, roots)) <= {f"{root}/" for root in roots}
    except BadInput as error:
        assert "\n" not in str(error)


def test_what_lies_inside_is_allowed(roots: tuple[Path, Path]) -> None:
    assert allowed(roots[0], roots) == roots[0]
    assert allowed(roots[0] / "patients", roots) == roots[0] / "patients"
    assert allowed(roots[0] / "to-other", roots) == roots[1]
    assert allowed(Path("patients"), roots) == roots[0] / "patients"


def test_suggestions_are_limited_and_speakable(tmp_path: Path) -> None:
    for number in range(MOST + 20):
        (tmp_path / "r" / f"f{number:04d}").mkdir(parents=True)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/r/f\xff")).mkdir()
    found = complete(f"{tmp_path}/r/", [tmp_path / "r"])
    assert len(found) == MOST and all(text.encode() for text in found)
    save(tmp_path / "r" / "f.png")
    assert f"{tmp_path}/r/f.png" not in complete(f"{tmp_path}/r/f.", [tmp_path / "r"])
