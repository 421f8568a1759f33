"""The base of every record on disk, and how a name the user typed finds one."""

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dataeff_core.errors import BadInput, NotFound, StorageFailed
from dataeff_core.workspace.storage import read_json, write_json


def now() -> str:
    """The time in UTC, ISO 8601 to the microsecond, so that records sort by age."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


class Record(BaseModel):
    """What a folder says of itself: one JSON file in it, written last, so that its presence means complete."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    FILE: ClassVar[str]
    KIND: ClassVar[str]

    id: str
    schema_version: int = 1
    created: str = Field(default_factory=now)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the record in `folder`. Raises StorageFailed when it is damaged or from a newer version."""
        try:
            return cls.model_validate(read_json(folder / cls.FILE))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise StorageFailed(
                f"{folder / cls.FILE} does not fit this version ({where}: {first['msg']}); "
                "update DataEff, or delete that folder and make it again"
            ) from error

    def write(self, folder: Path) -> None:
        """Write the record into `folder`, atomically."""
        write_json(folder / self.FILE, self.model_dump(mode="json"))

    @classmethod
    def read_all(cls, parent: Path) -> list[Self]:
        """All complete records in the folders below `parent`, oldest first; hidden folders are passed over."""
        if not parent.is_dir():
            return []
        folders = (folder for folder in parent.iterdir() if not folder.name.startswith("."))
        records = [cls.read(folder) for folder in folders if (folder / cls.FILE).is_file()]
        return sorted(records, key=lambda record: (record.created, record.id))


Found = TypeVar("Found", bound=Record)


def find(records: Sequence[Found], wanted: str, *, kind: str) -> Found:
    """The record named by its id, a unique prefix of it, its name, or `latest`; records are oldest first.

    Raises NotFound (listing what there is) and BadInput (an ambiguous prefix).
    """
    if not records:
        raise NotFound(f"there is no {kind} yet, so {wanted!r} cannot be found; make one first")
    if wanted == "latest":
        return records[-1]
    for attribute in ("id", "name"):
        exact = [record for record in records if getattr(record, attribute, None) == wanted]
        if exact:
            return exact[-1]
    matches = [record for record in records if wanted and record.id.startswith(wanted)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise BadInput(f"{wanted!r} fits {len(matches)} {kind}s ({_listed(matches)}); type more of the id")
    raise NotFound(f"no {kind} is called {wanted!r}; there are: {_listed(records)}")


def _listed(records: Sequence[Record], most: int = 8) -> str:
    names = [record.id for record in records[-most:]]
    return ", ".join(names) + (", ..." if len(records) > most else "")


def slug(text: str, *, longest: int = 40) -> str:
    """`text` as lower-case ASCII letters, digits and dashes, fit for a folder name; 'unnamed' if none is left."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:longest].strip("-") or "unnamed"


def fresh_id(prefix: str) -> str:
    """A new id: the slug of `prefix` and six random hex digits."""
    return f"{slug(prefix)}-{secrets.token_hex(3)}"
