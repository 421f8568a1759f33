"""Who may do what on the dashboard: a small file in the workspace, `roles.toml`, that people write by hand.

    others = "viewer"                    # everybody who is not named; leave it out and they may do nothing

    [roles]
    "anna.meier@clinic.example" = "reviewer"
    "ben.ortiz@clinic.example" = "researcher"

Without the file everybody may do everything, as on a machine of one's own. A file that cannot be understood lets
nobody do anything. The file is read anew whenever it has changed. It rules the dashboard; who has a shell on the
machine and may write to the workspace is ruled by the machine.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from dataeff_core.errors import BadInput, NotAllowed
from dataeff_core.workspace import Workspace
from dataeff_core.workspace.storage import storage_errors

FILE = "roles.toml"
Action = Literal["look", "review", "run"]


class Role(StrEnum):
    """What somebody is here."""

    NOBODY = "nobody"
    VIEWER = "viewer"
    REVIEWER = "reviewer"
    RESEARCHER = "researcher"


MAY: dict[Role, frozenset[str]] = {
    Role.NOBODY: frozenset(),
    Role.VIEWER: frozenset({"look"}),
    Role.REVIEWER: frozenset({"look", "review"}),
    Role.RESEARCHER: frozenset({"look", "review", "run"}),
}
DEEDS = {"look": "look at frames", "review": "review frames", "run": "start or save anything"}
GIVABLE = (Role.VIEWER, Role.REVIEWER, Role.RESEARCHER)


@dataclass(frozen=True)
class Roles:
    """The file's content; without arguments, what holds where there is none."""

    by_name: Mapping[str, Role] = field(default_factory=dict)  # under `same(name)`
    others: Role = Role.RESEARCHER

    def of(self, name: str) -> Role:
        """The role of the person with this name or account; '' is somebody unknown."""
        return self.by_name.get(same(name), self.others) if name.strip() else self.others


def roles_of(workspace: Workspace) -> Roles:
    """The roles as the file says now. Raises BadInput for a file that cannot be understood, StorageFailed for one
    that cannot be read: then nobody may do anything."""
    file = workspace.root / FILE
    with storage_errors("reading the roles", file):
        if not os.path.lexists(file):
            return Roles()
        state = file.stat()
        return _read(file, state.st_mtime_ns, state.st_size, state.st_ino)


def require(role: Role, action: Action, who: str = "") -> None:
    """Raise NotAllowed unless the role allows the action."""
    if action not in MAY[role]:
        least = next(one for one in GIVABLE if action in MAY[one])
        called = who or "somebody without a name"
        is_here = "has no role here" if role is Role.NOBODY else f"is a {role} here"
        raise NotAllowed(
            f"{called} {is_here}, and to {DEEDS[action]} takes a {least}; ask whoever keeps {FILE} in the workspace"
        )


def same(name: str) -> str:
    """What two spellings of one name have in common: spaces and capitals do not count. No other letter becomes an
    ASCII one by it (nor by a normal form, hence none is taken), so that no account passes for another."""
    text = " ".join(name.split())
    return "".join(one.casefold() if one.isascii() or not one.casefold().isascii() else one for one in text)


@lru_cache(maxsize=8)
def _read(file: Path, *_state: int) -> Roles:
    try:
        given = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _bad(file, f"it is no TOML ({error})") from error
    if unknown := sorted(set(given) - {"others", "roles"}):
        raise _bad(file, f"{unknown[0]!r:.80} is neither 'others' nor below [roles]")
    listed = given.get("roles", {})
    if not isinstance(listed, dict):
        raise _bad(file, "'roles' is no table")
    by_name: dict[str, Role] = {}
    for name, role in listed.items():
        if not same(name) or same(name) in by_name:
            raise _bad(file, f"the name {name!r:.80} is empty or there twice")
        by_name[same(name)] = _role(file, name, role)
    return Roles(by_name, _role(file, "others", given["others"]) if "others" in given else Role.NOBODY)


def _role(file: Path, name: str, value: Any) -> Role:
    if isinstance(value, str) and value in GIVABLE:
        return Role(value)
    raise _bad(file, f"{name!r:.80} is {value!r:.80}, which is none of {', '.join(GIVABLE)}")


def _bad(file: Path, why: str) -> BadInput:
    return BadInput(
        f"{file} cannot be used, so nobody may do anything until it is mended: {why}; "
        f'it has lines like "anna@clinic.example" = "reviewer" below [roles], names in quotes'
    )
