"""Find what installed packages add at an extension point; `taxonaut.plugins` has the signatures."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from taxonaut.state.errors import InputError

HOUSE = "taxonaut"


@cache
def extensions(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group by name, ours first; InputError where two packages claim one name."""
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=group), key=lambda each: not each.value.startswith(f"{HOUSE}.")):
        known = found.setdefault(point.name, point)
        if known.value != point.value:
            raise InputError(
                f"{point.name!r} in {group} is both {known.value} and {point.value}; "
                "uninstall one of the packages, or rename its entry point"
            )
    return found


def load_extension(group: str, name: str) -> Any:
    """Import what is registered under a name; InputError for an unknown name or an import that fails."""
    known = extensions(group)
    if not known:
        raise InputError(f"nothing is registered in {group}, not even by taxonaut: install taxonaut again")
    if name not in known:
        raise InputError(f"{name!r} is unknown in {group}; installed are {', '.join(known)}")
    try:
        return known[name].load()
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"{known[name].value}, registered as {name!r} in {group}, cannot be imported: {error}; "
            "update or uninstall that package"
        ) from error
