"""Lists whose element names were never published, found by the fields of their entries.

For some commands the vendor's description says what they list and shows no answer. Their
entries are then recognised by the fields that must be in them, whatever they are wrapped
in, and names are compared without case. An answer that holds something else is malformed:
what cannot be read must not look like an empty list.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from kempsdk.codec import MalformedAnswer, flatten
from kempsdk.transport.call import Tree

_DEEPEST: Final = 8
"""Levels that are looked into: an answer nested without bound is not the appliance's."""


def find_rows(tree: Tree, *keys: str) -> list[dict[str, object]]:
    """Return the entries, with their field names in lower case.

    Args:
        tree: the answer.
        keys: lower-case names of which an entry has at least one.

    Raises:
        MalformedAnswer: the answer is not empty, and none of it is such an entry.
    """
    found = list(_rows(tree, frozenset(keys)))
    if not found and not _is_empty(tree):
        raise MalformedAnswer(f"an answer without any of {', '.join(keys)}")
    return found


def first_row(tree: Tree, *keys: str) -> dict[str, object]:
    """Return the only entry; see ``find_rows``.

    Raises:
        MalformedAnswer: there is none, or there are several.
    """
    found = find_rows(tree, *keys)
    if len(found) != 1:
        raise MalformedAnswer(f"{len(found)} entries where one was asked for")
    return found[0]


def _rows(tree: Tree, keys: frozenset[str], depth: int = _DEEPEST) -> Iterator[dict[str, object]]:
    if keys & {name.lower() for name in tree}:
        yield {name.lower(): value for name, value in flatten(tree).items()}
        return
    for value in tree.values():
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, Mapping) and depth:
                yield from _rows(one, keys, depth - 1)


def _is_empty(value: object, depth: int = _DEEPEST) -> bool:
    if isinstance(value, Mapping):
        return depth > 0 and all(_is_empty(one, depth - 1) for one in value.values())
    if isinstance(value, list | tuple):
        return depth > 0 and all(_is_empty(one, depth - 1) for one in value)
    return value is None or (isinstance(value, str) and not value.strip())
