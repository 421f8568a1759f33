"""The roles file: who may do what, and that nothing is allowed where it cannot be understood."""

from pathlib import Path

import pytest

from dataeff_core import access
from dataeff_core.access import MAY, Role, require, roles_of, same
from dataeff_core.errors import BadInput, NotAllowed, StorageFailed
from dataeff_core.workspace import Workspace

GOOD = """
others = "viewer"
[roles]
"anna.meier@clinic.example" = "reviewer"
"Ben  Ortiz" = "researcher"
"Jörg" = "reviewer"
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "workspace")


def write(workspace: Workspace, text: str | bytes) -> Path:
    file = workspace.root / access.FILE
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_without_a_file_everybody_may_do_everything(workspace: Workspace) -> None:
    assert roles_of(workspace).of("") is Role.RESEARCHER
    assert roles_of(workspace).of("anybody") is Role.RESEARCHER


def test_the_file_says_who_is_what(workspace: Workspace) -> None:
    write(workspace, GOOD)
    roles = roles_of(workspace)
    assert roles.of("anna.meier@clinic.example") is Role.REVIEWER
    assert roles.of(" Anna.Meier@Clinic.Example ") is Role.REVIEWER
    assert roles.of("ben ortiz") is Role.RESEARCHER
    assert roles.of("JÖRG") is Role.REVIEWER
    assert roles.of("somebody else") is Role.VIEWER
    assert roles.of("") is Role.VIEWER


def test_who_is_not_named_may_do_nothing_unless_the_file_says_so(workspace: Workspace) -> None:
    write(workspace, '[roles]\n"Anna" = "viewer"\n')
    assert roles_of(workspace).of("Ben") is Role.NOBODY
    write(workspace, "")
    assert roles_of(workspace).of("Anna") is Role.NOBODY


def test_a_letter_that_looks_like_another_makes_another_name() -> None:
    assert same("\N{KELVIN SIGN}arl@x.org") != same("karl@x.org")
    assert same("\N{LATIN SMALL LETTER LONG S}am") != same("sam")


def test_the_file_is_read_anew_when_it_changes(workspace: Workspace) -> None:
    write(workspace, '[roles]\n"Anna" = "viewer"\n')
    assert roles_of(workspace).of("Anna") is Role.VIEWER
    write(workspace, '[roles]\n"Anna" = "researcher"\n')
    assert roles_of(workspace).of("Anna") is Role.RESEARCHER
    (workspace.root / access.FILE).unlink()
    assert roles_of(workspace).of("") is Role.RESEARCHER


def test_a_windows_editors_mark_at_the_beginning_is_no_matter(workspace: Workspace) -> None:
    write(workspace, b"\xef\xbb\xbf" + GOOD.encode())
    assert roles_of(workspace).of("anna.meier@clinic.example") is Role.REVIEWER


@pytest.mark.parametrize(
    "text",
    [
        "roles = 3",
        '[roles]\nanna.meier@clinic.example = "reviewer"',  # no quotes round the name
        '[roles]\nanna.meier = "reviewer"',
        '[roles]\n"Anna" = "owner"',
        '[roles]\n"Anna" = "nobody"',
        '[roles]\n"Anna" = "Reviewer"',
        '[roles]\n"Anna" = 1',
        '[roles]\n"Anna" = ["reviewer"]',
        '[roles]\n"Anna" = "reviewer"\n"anna" = "researcher"',
        '[roles]\n"  " = "reviewer"',
        'others = "researchers"',
        "others = true",
        '[role]\n"Anna" = "reviewer"',
        '"Anna" = "reviewer"',
        "[roles",
        b"\xff\xfe[\x00r\x00",
        b"\x00" * 100,
    ],
)
def test_a_file_that_cannot_be_understood_lets_nobody_in(workspace: Workspace, text: str | bytes) -> None:
    write(workspace, text)
    with pytest.raises(BadInput) as raised:
        roles_of(workspace)
    told = str(raised.value)
    assert "nobody may do anything" in told
    assert "\n" not in told.replace("\\n", "")
    assert len(told) < 600


def test_a_file_that_cannot_be_read_lets_nobody_in(workspace: Workspace) -> None:
    (workspace.root / access.FILE).mkdir()
    with pytest.raises(StorageFailed):
        roles_of(workspace)


def test_a_link_to_nowhere_is_not_taken_for_no_file(workspace: Workspace) -> None:
    (workspace.root / access.FILE).symlink_to("absent")
    with pytest.raises(StorageFailed):
        roles_of(workspace)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("action", ["look", "review", "run"])
def test_a_refusal_is_one_sentence_that_names_the_way_out(role: Role, action: access.Action) -> None:
    if action in MAY[role]:
        require(role, action, "Anna")
        return
    with pytest.raises(NotAllowed, match=r"Anna .*roles\.toml"):
        require(role, action, "Anna")


def test_each_role_may_do_all_that_the_one_before_may() -> None:
    nobody, viewer, reviewer, researcher = (MAY[one] for one in Role)
    assert not nobody
    assert nobody < viewer < reviewer < researcher == {"look", "review", "run"}
