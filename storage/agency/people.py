"""The insured as enrolments, assessments and payments name them: found by number, sealed when new."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from dialogs.terms.identity import Document
from dialogs.terms.spelling import is_spelling_of_one_name
from storage.agency.desk import Setting
from storage.agency.refusals import RowRefused
from storage.agency.stored import Stored
from storage.database import table_of
from storage.tables import PersonRow


class Name(Enum):
    """How the name of a row compares with the one that is registered for its number."""

    SAME = "same"  # or the person is new
    SPELT_OTHERWISE = "spelt otherwise"
    RENAMED = "renamed"


class People:
    """The persons of a chunk. Write them before the rows that refer to them."""

    def __init__(self, setting: Setting) -> None:
        self._seal = setting.seal
        self._stored = Stored(setting.connection, table_of(PersonRow), setting.staging)
        self._names: dict[str, str] = {}

    def key_of(self, document: Document) -> str:
        return self._seal.look_up_key(document.number)

    def load(self, keys: Iterable[str]) -> None:
        self._stored.load((key,) for key in keys)
        self._names = {}

    def meet(self, key: str, document: Document, name: str, source: str, *, may_rename: bool = False) -> Name:
        """Make sure of the person. Another spelling of the registered name changes nothing here; another name for a
        known number is taken over or raises RowRefused. `source` is the row, `kind:batch:row`."""
        there = self._stored.get(key)
        if there is None:
            self._put(key, document, name, source)
            return Name.SAME
        known = self.name_of(key)
        if known == name:
            return Name.SAME
        if is_spelling_of_one_name(known, name):
            return Name.SPELT_OTHERWISE
        if not may_rename:
            raise RowRefused("与已登记的姓名不同")
        self._put(key, document, name, source)
        return Name.RENAMED

    def correct(self, key: str, document: Document, name: str, source: str) -> Name:
        """As `meet` for a row that was read wrongly before: its name is put right where this row had registered it."""
        there = self._stored.get(key)
        named_here = there is not None and there["source"] == source
        if named_here and self.name_of(key) != name:
            self._put(key, document, name, source)
            return Name.RENAMED
        return self.meet(key, document, name, source)

    def name_of(self, key: str) -> str:
        """The registered name of a person who is there."""
        if key not in self._names:
            there = self._stored.get(key)
            assert there is not None
            self._names[key] = self._seal.open(there["name"])
        return self._names[key]

    def flush(self) -> None:
        self._stored.flush()

    def _put(self, key: str, document: Document, name: str, source: str) -> None:
        self._names[key] = name
        sealed = {"number": self._seal.seal(document.number), "name": self._seal.seal(name)}
        self._stored.put({"key": key, "id_type": document.id_type, "source": source} | sealed)
