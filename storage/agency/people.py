"""The insured as enrolments, assessments and payments name them: found by number, sealed when new."""

from __future__ import annotations

from collections.abc import Iterable

from dialogs.terms.identity import Document, same_name
from storage.agency.desk import Setting
from storage.agency.refusals import RowRefused
from storage.agency.stored import Stored
from storage.database import table_of
from storage.tables import PersonRow


class People:
    """The persons of a chunk. Write them before the rows that refer to them."""

    def __init__(self, setting: Setting) -> None:
        self._seal = setting.seal
        self._stored = Stored(setting.connection, table_of(PersonRow))
        self._names: dict[str, str] = {}

    def key_of(self, document: Document) -> str:
        return self._seal.look_up_key(document.number)

    def load(self, keys: Iterable[str]) -> None:
        self._stored.load((key,) for key in keys)
        self._names = {}

    def meet(self, key: str, document: Document, name: str, *, may_rename: bool = False) -> bool:
        """Make sure of the person; another name for a known number is taken over (True) or raises RowRefused."""
        there = self._stored.get(key)
        if there is None:
            self._put(key, document, name)
            return False
        known = self._names.get(key) or self._seal.open(there["name"])
        self._names[key] = known
        if same_name(known, name):
            return False
        if not may_rename:
            raise RowRefused("与已登记的姓名不同")
        self._put(key, document, name)
        return True

    def flush(self) -> None:
        self._stored.flush()

    def _put(self, key: str, document: Document, name: str) -> None:
        self._names[key] = name
        sealed = {"number": self._seal.seal(document.number), "name": self._seal.seal(name)}
        self._stored.put({"key": key, "id_type": document.id_type} | sealed)
