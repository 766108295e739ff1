"""
Names of columns that a user gives to ours, among them some that join several.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, cast

from linq_otel.errors import ConfigurationError

from ._fields._spellings import spelling_of


_PLACE: Final = re.compile(r"\{([^{}]+)\}")


def check_columns(columns: Mapping[str, str]) -> None:
    """
    Refuse a column that is mapped to an unknown field.

    Raises:
        ConfigurationError: A column is mapped to no field.
    """
    for column, field in columns.items():
        if spelling_of(field) is None:
            raise ConfigurationError(f"column {column!r} is mapped to {field!r}, which is no field")


def is_joined(column: str) -> bool:
    """
    Tell whether *column* joins others, as ``{host}{path}`` does.
    """
    return _PLACE.search(column) is not None


def rename(row: Mapping[str, object], columns: Mapping[str, str]) -> Mapping[str, object]:
    """
    Return *row* with the fields that *columns* name under our names.

    A name with dots leads into an object: ``req.headers.host``. A column that is not there, or that
    joins one that is not there, is left alone.
    """
    named = dict(row)
    plain = {name.strip().lower(): name for name in row}
    for column, field in columns.items():
        value = _join(column, row, plain) if is_joined(column) else _find(column, row, plain)
        if value is not None:
            named.pop(plain.get(column.strip().lower(), column), None)
            named[field] = value
    return named


def _join(column: str, row: Mapping[str, object], plain: Mapping[str, str]) -> str | None:
    places = _PLACE.findall(column)
    values = {place: _find(place, row, plain) for place in places}
    if any(value is None or isinstance(value, (dict, list)) for value in values.values()):
        return None
    return _PLACE.sub(lambda match: str(values[match[1]]).strip(), column)


def _find(column: str, row: Mapping[str, object], plain: Mapping[str, str]) -> object:
    name = plain.get(column.strip().lower())
    if name is not None:
        return row[name]
    value: object = row
    for step in column.strip().split("."):
        if not isinstance(value, Mapping):
            return None
        value = cast("Mapping[str, object]", value).get(step)  # pyright: ignore[reportUnnecessaryCast]
        if isinstance(value, list):
            items = cast("list[object]", value)
            value = items[0] if items else None
    return value
