"""Parse YAML and XML into the lists and objects that JSON has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from taxonaut.state.errors import InputError

_NAMES = ("name", "label", "title", "value", "text", "prefLabel", "term")
_CONTROL = "toName"
"""An attribute of Label Studio's controls, whose own names are no labels."""


@dataclass(frozen=True, slots=True)
class Parser:
    """A format and the function that parses a text of it; the first argument names the file in errors."""

    name: str
    parse: Callable[[str, str], object]


def parse_yaml(source: str, text: str) -> object:
    """Parse YAML without objects of its own; an alias is an error, as a few can stand for billions of values."""
    import yaml

    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise InputError(
                f"{source} has an alias (*name), which is not read; write out what it stands for"
            )
        return _plain_keys(yaml.safe_load(text))
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{source} is no YAML that can be read: {' '.join(str(error).split())}") from None


def _plain_keys(value: object) -> object:
    """Return a value whose keys are texts; what YAML takes for a number, a date or a yes is written out."""
    if isinstance(value, dict):
        return {str(key): _plain_keys(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain_keys(inner) for inner in value]
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def parse_xml(source: str, text: str) -> object:
    """Parse nested XML elements that have names: an attribute, an element or text for each field of one.

    The elements of the root are a list of objects; those in an element that have names are its `children`.
    """
    try:
        root = ElementTree.fromstring(text.encode())
    except ElementTree.ParseError as error:
        raise InputError(f"{source} is no XML that can be read: {error}") from None
    found = [_object(each) for each in root]
    while len(found) == 1 and ("name" not in found[0] or _CONTROL in found[0]) and found[0].get("children"):
        found = found[0]["children"]
    return found


def _object(element: ElementTree.Element) -> dict[str, Any]:
    """Return an element's attributes and fields, its name and its children."""
    made: dict[str, Any] = dict(element.attrib)
    children = []
    for inner in element:
        if len(inner) or inner.attrib or _tag(inner) in made:
            children.append(_object(inner))
        else:
            made[_tag(inner)] = (inner.text or "").strip()
    if name := next((made[key] for key in _NAMES if made.get(key)), (element.text or "").strip()):
        made["name"] = name
    flat = [
        each for child in children for each in ([child] if "name" in child else child.get("children", []))
    ]
    if flat:
        made["children"] = flat
    return made


def _tag(element: ElementTree.Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


PARSERS: Mapping[str, Parser] = {
    ".yaml": Parser("YAML", parse_yaml),
    ".yml": Parser("YAML", parse_yaml),
    ".xml": Parser("XML", parse_xml),
}
"""The parser of each suffix."""
