"""`dataclass` and `NamedTuple` as the standard library has them, without what they cost a command.

Writing and compiling the methods of a data class takes nearly a millisecond, a search imports some
fifty of them and makes instances of half: that was a fifth of the time of a whole command. So a
class is made into one at its first instance. Until then nobody can tell the difference, except
that there are no `__slots__`. Of a named tuple, what takes longest is that `typing` compiles the
type of each field, only to leave it unresolved; here types stay the texts that they are.

Never changes what they are: the standard library does all the work, later, or less of it.
"""

from __future__ import annotations

import os
import threading
from collections import namedtuple
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from typing import NamedTuple as NamedTuple
else:

    def dataclass(cls=None, /, *, slots=False, weakref_slot=False, **options):
        """As `dataclasses.dataclass`; what would give slots is accepted and means nothing."""

        def decorated(cls):
            cls.__dataclass_fields__ = _Fields(options)
            cls.__new__ = _first
            return cls

        return decorated if cls is None else decorated(cls)

    class _Named(type):
        """Makes `class X(NamedTuple)` a plain named tuple with what else stands in its body."""

        def __new__(meta, name, bases, body):
            if not bases:  # NamedTuple itself
                return super().__new__(meta, name, bases, body)
            types = body.pop("__annotations__", {})
            defaults = {field: body.pop(field) for field in types if field in body}
            if len(bases) > 1 or [*defaults] != [*types][len(types) - len(defaults) :]:
                raise TypeError(f"{name} has another base, or a default before a field without")
            module = body.pop("__module__")
            made = namedtuple(name, types, defaults=defaults.values(), module=module)
            for attribute, value in {"__annotations__": types, **body}.items():
                if attribute in _TUPLES_OWN:
                    raise AttributeError(f"{name}.{attribute} is that of the named tuple")
                setattr(made, attribute, value)
            return made

    _TUPLES_OWN = frozenset(("__new__", "__init__", "__slots__", "__getnewargs__"))
    _TUPLES_OWN |= frozenset(("_fields", "_field_defaults", "_make", "_replace", "_asdict"))

    class NamedTuple(metaclass=_Named):
        """As `typing.NamedTuple` as a base."""


_making = threading.RLock()
if hasattr(os, "register_at_fork"):  # a child with a class that is half made could not go on
    os.register_at_fork(
        before=_making.acquire,
        after_in_parent=_making.release,
        after_in_child=_making.release,
    )


class _Fields:
    """Stands for the fields until somebody asks: `dataclasses` itself, or the first instance."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options

    def __get__(self, instance: object, owner: type) -> Any:
        _make(owner)
        return owner.__dataclass_fields__  # type: ignore[attr-defined]  # the real ones now


def _make(owner: type) -> None:
    """Make every class above that waits for it, and this one, what they were said to be."""
    import dataclasses

    with _making:
        for cls in reversed(owner.__mro__):
            waiting = cls.__dict__.get("__dataclass_fields__")
            if isinstance(waiting, _Fields):
                delattr(cls, "__dataclass_fields__")
                dataclasses.dataclass(cls, **waiting.options)
                cls.__new__ = _next  # type: ignore[assignment, method-assign]


def _first(cls: type, *args: object, **named: object) -> object:
    _make(cls)
    return object.__new__(cls)


def _next(cls: type, *args: object, **named: object) -> object:
    # A `__new__` that was set cannot be taken away: `object` would then refuse the arguments.
    return object.__new__(cls)
