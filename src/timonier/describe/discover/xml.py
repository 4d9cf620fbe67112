"""XML of other programs: one clear error where it is none, and no tricks with entities."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET  # entities are refused below

from timonier.kit.errors import InputError

Element = ET.Element

_ENTITY = re.compile(r"<!ENTITY|<!DOCTYPE[^>\[]*\[")
_DEEPEST = 200


def parse_xml(text: str, where: str = "", fix: str = "name an XML file of hwloc or NCCL") -> Element:
    """The root element.  Raises InputError: not XML, entities, nested deeper than any machine."""
    if _ENTITY.search(text):
        raise InputError("this XML defines entities; no topology does", where=where, fix=fix)
    try:
        root = ET.fromstring(text)  # noqa: S314
    except ET.ParseError as error:
        raise InputError(f"this is not XML: {error}", where=where, fix=fix) from error
    except ValueError as error:  # an encoding that does not exist
        raise InputError(f"this is not XML: {error}", where=where, fix=fix) from error
    if _depth(root) > _DEEPEST:
        raise InputError("nested too deeply for a machine", where=where, fix=fix)
    return root


def _depth(root: Element) -> int:
    depth, level = 0, [root]
    while level and depth <= _DEEPEST:
        level = [child for element in level for child in element]
        depth += 1
    return depth
