"""What source text says before it runs: which texts are said with which values, what options offer, where one goes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

ROOMS = ("dialogs", "storage", "bot")
ANYTHING = "*"  # a part of a key that is known only when it is said


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text's key: its possible values; `sure` where each of them must exist."""

    values: tuple[str, ...]
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """One `say(...)`: the keys it may say, the values it fills in; `exact` where the key is written out."""

    where: str
    keys: tuple[str, ...]
    values: frozenset[str] | None  # None where they are passed on (**values)
    exact: bool
    sure: bool


# How a part that stands in braces is called in the code → what it may be.
Meanings = Mapping[str, Part]


def python_sources(root: Path) -> dict[str, str]:
    """The text of every module of the three rooms by its dotted name, and of run.py."""
    files = [path for room in ROOMS for path in sorted((root / room).rglob("*.py"))]
    files += [path for path in [root / "run.py"] if path.exists()]
    return {".".join(path.relative_to(root).with_suffix("").parts): path.read_text("utf-8") for path in files}


def calls_of(name: str, tree: ast.AST, meanings: Meanings) -> Iterator[Call]:
    """Every say("…", …) and self._say("…", …) of a module whose key can be read from the source."""
    for node in _nodes(tree):
        if not (isinstance(node, ast.Call) and node.args and _called(node.func) in ("say", "_say")):
            continue
        written, sure = _keys(node.args[0], meanings)
        if not written:
            continue
        names = [keyword.arg for keyword in node.keywords]
        yield Call(
            where=f"{name}, line {node.lineno}",
            keys=tuple(written),
            values=None if None in names else frozenset(filter(None, names)),
            exact=isinstance(node.args[0], ast.Constant),
            sure=sure,
        )


def words_of(tree: ast.AST, meanings: Meanings) -> Iterator[str]:
    """Every string that could be the key of a text: written out, or put together (with * for an unknown part)."""
    for node in _nodes(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield from _keys(node, meanings)[0]


def written(tree: ast.AST) -> set[str]:
    """Every string that is written out whole."""
    pieces = {id(piece) for node in _nodes(tree) if isinstance(node, ast.JoinedStr) for piece in node.values}
    return {
        node.value
        for node in _nodes(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in pieces
    }


def offered(tree: ast.AST, keyword: str) -> dict[str, int]:
    """What `Option(…, keyword="…")` is given in a module, and on which line first."""
    return {
        value: node.lineno
        for node in reversed([node for node in _nodes(tree) if isinstance(node, ast.Call)])
        if _called(node.func) == "Option"
        for one in node.keywords
        if one.arg == keyword
        for value in _written(one.value)
    }


def handed_over(tree: ast.AST) -> dict[str, int]:
    """The services that `Go("…", …)` names in a module, and on which line first."""
    return {
        value: node.lineno
        for node in reversed([node for node in _nodes(tree) if isinstance(node, ast.Call)])
        if _called(node.func) == "Go" and node.args
        for value in _written(node.args[0])
        if value
    }


def own_class(tree: ast.AST, name: str) -> ast.ClassDef | None:
    """The class of this name."""
    return next((node for node in _nodes(tree) if isinstance(node, ast.ClassDef) and node.name == name), None)


def method(owner: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    """The method of this name."""
    return next((node for node in owner.body if isinstance(node, ast.FunctionDef) and node.name == name), None)


def makes(tree: ast.AST, name: str) -> bool:
    """Whether something of this name is called or made there."""
    return any(isinstance(node, ast.Call) and _called(node.func) == name for node in _nodes(tree))


@cache
def _nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """Everything in a tree, walked through once: a dozen questions are asked of each."""
    return tuple(ast.walk(tree))


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _written(node: ast.expr) -> list[str]:
    """The strings an expression may be, as far as they are written out."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    return [*_written(node.body), *_written(node.orelse)] if isinstance(node, ast.IfExp) else []


def _keys(node: ast.expr, meanings: Meanings) -> tuple[list[str], bool]:
    """The keys an expression may be, and whether each of them must exist; none where it cannot be read."""
    if isinstance(node, ast.IfExp):
        (one, sure), (other, as_sure) = _keys(node.body, meanings), _keys(node.orelse, meanings)
        return one + other, sure and as_sure
    if not isinstance(node, ast.JoinedStr):
        return _written(node), True
    parts = [_part(piece, meanings) for piece in node.values]
    return ["".join(pieces) for pieces in product(*(part.values for part in parts))], all(part.sure for part in parts)


def _part(piece: ast.expr, meanings: Meanings) -> Part:
    if isinstance(piece, ast.FormattedValue):
        if written := _written(piece.value):
            return Part(tuple(written))
        name = ast.unparse(piece.value)
        found: Sequence[str] = [known for known in meanings if name == known or name.endswith(f".{known}")]
        return meanings[max(found, key=len)] if found else Part((ANYTHING,), sure=False)
    return Part(tuple(_written(piece)))
