"""A request held against botocore's model of it, with the findings in the words of AWS."""

import json
import re
from collections.abc import Iterator
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape


class Unreadable(ValueError):
    """A value has another JSON type than its member; AWS calls that a serialization error."""


def violations(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """What AWS would reject in a parsed JSON request: missing members, lengths, ranges, patterns, enumerations.

    A member that the model doesn't have is rejected too, since it would be ignored in silence otherwise. Raises
    Unreadable for a value of the wrong type.
    """
    _check_type(shape, value)
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            if name not in value:
                yield f"Value null at '{_below(path, name)}' failed to satisfy constraint: Member must not be null"
        for name, member in value.items():
            if name not in shape.members:
                known = ", ".join(shape.members)
                yield (
                    f"Unknown parameter '{name}' at '{path}', must be one of: {known}"
                    if path
                    else (f"Unknown parameter '{name}', must be one of: {known}")
                )
            else:
                yield from violations(shape.members[name], member, _below(path, name))
        return
    for rule in _broken_rules(shape, value):
        yield f"Value '{_shown(value)}' at '{path}' failed to satisfy constraint: {rule}"
    if isinstance(shape, ListShape):
        for i, member in enumerate(value, 1):
            if _is_plain(shape.member):
                yield from _whole(shape.member, member, value, path, "Member")
            else:
                yield from violations(shape.member, member, f"{path}.{i}.member")
    elif isinstance(shape, MapShape):
        for name, member in value.items():
            yield from _whole(shape.key, name, value, path, "Map keys")
            if _is_plain(shape.value):
                yield from _whole(shape.value, member, value, path, "Map value")
            else:
                yield from violations(shape.value, member, f"{path}.{name}.member")


def _below(path: str, name: str) -> str:
    name = name[0].lower() + name[1:]
    return f"{path}.{name}" if path else name


def _is_plain(shape: Shape) -> bool:
    return not isinstance(shape, StructureShape | ListShape | MapShape)


def _whole(shape: Shape, part: Any, value: Any, path: str, what: str) -> Iterator[str]:
    """AWS shows a list or map as a whole when one of its plain values is wrong, with all rules for that."""
    _check_type(shape, part)
    if any(_broken_rules(shape, part)):
        yield (
            f"Value '{_shown(value)}' at '{path}' failed to satisfy constraint: {what} must satisfy constraint: "
            f"[{', '.join(_rules(shape))}]"
        )


def _rules(shape: Shape) -> Iterator[str]:
    """Every rule for a value of this shape."""
    rules, kind = shape.metadata, "value" if shape.type_name in ("integer", "long", "float", "double") else "length"
    if "max" in rules:
        yield f"Member must have {kind} less than or equal to {rules['max']}"
    if "min" in rules:
        yield f"Member must have {kind} greater than or equal to {rules['min']}"
    if "pattern" in rules:
        yield f"Member must satisfy regular expression pattern: {rules['pattern']}"
    if "enum" in rules:
        yield f"Member must satisfy enum value set: [{', '.join(rules['enum'])}]"


def _broken_rules(shape: Shape, value: Any) -> Iterator[str]:
    rules = shape.metadata
    # file:// in place of s3:// is our own extension, for data that needn't be copied to S3 first
    local_file = isinstance(value, str) and value.startswith("file://") and "s3" in rules.get("pattern", "")
    size = len(value) if isinstance(value, str | list | dict) else value
    for rule in _rules(shape):
        if "less than" in rule:
            broken = size > rules["max"]
        elif "greater than" in rule:
            broken = size < rules["min"]
        elif "pattern" in rule:
            broken = not local_file and not _matches(rules["pattern"], value)
        else:
            broken = value not in rules["enum"]
        if broken:
            yield rule


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:  # Java's dialect has classes that Python's lacks
        return True


_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
}
_NAMES = {
    "integer": "an Integer",
    "long": "a Long",
    "float": "a Float",
    "double": "a Double",
    "boolean": "a Boolean",
    "timestamp": "a Timestamp",
}


def _check_type(shape: Shape, value: Any) -> None:
    kind = shape.type_name
    if value in (float("inf"), float("-inf")):
        raise Unreadable("The number is out of range.")
    if isinstance(value, _TYPES[kind]) and not (isinstance(value, bool) and kind != "boolean"):
        return
    if isinstance(value, dict):
        raise Unreadable("Start of structure or map found where not expected.")
    if isinstance(value, list):
        raise Unreadable("Start of list found where not expected.")
    if kind in ("structure", "map", "list"):
        raise Unreadable(f"Unexpected value type in payload: expected {'a list' if kind == 'list' else 'a structure'}.")
    token = {bool: str(value).upper(), str: "STRING"}.get(type(value), "NUMBER")
    raise Unreadable(f"{token}_VALUE can not be converted to {_NAMES.get(kind, 'a String')}")


def _shown(value: Any) -> str:
    """As AWS's own language prints it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_shown(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return value if isinstance(value, str) else json.dumps(value)
