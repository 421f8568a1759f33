"""What was made once and is kept: a folder with its record, opened by the class that knows its files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

from dataeff_core.errors import NotFound
from dataeff_core.workspace.records import Record, find

Made = TypeVar("Made", bound=Record)


class Result(Generic[Made]):
    """A folder below `parent`, named by its id. A subclass says what its record is and reads the other files when
    they are asked for."""

    RECORD: ClassVar[type[Any]]  # of Record

    def __init__(self, folder: Path, record: Made) -> None:
        self.folder = folder
        self.record = record

    @property
    def id(self) -> str:
        return self.record.id

    @classmethod
    def all_in(cls, parent: Path) -> list[Self]:
        """All complete ones below `parent`, oldest first. Raises StorageFailed for a damaged record."""
        return [cls(parent / record.id, record) for record in cls.RECORD.read_all(parent)]

    @classmethod
    def one_in(cls, parent: Path, wanted: str, *, none: str = "", by: Sequence[str] = ()) -> Self:
        """The one that `wanted` names: the newest of which a field in `by` has that value, else by id, unique prefix,
        name, or `latest` (records.find).

        Raises NotFound, in the words of `none` where there is not one yet, and BadInput for a prefix of several.
        """
        records = cls.RECORD.read_all(parent)
        if not records and none:
            raise NotFound(none)
        named = [record for record in records if wanted in [getattr(record, field) for field in by]]
        record = named[-1] if named else find(records, wanted, kind=cls.RECORD.KIND)
        return cls(parent / record.id, record)
