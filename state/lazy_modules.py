"""Packages whose modules load when they are first used (PEP 562), as those of SciPy do."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType


def lazy_modules(package: str) -> Callable[[str], ModuleType]:
    """Return the `__getattr__` of a package: `package.module` imports the module."""

    def load(name: str) -> ModuleType:
        module = f"{package}.{name}"
        if name.startswith("_") or find_spec(module) is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return import_module(module)

    return load
