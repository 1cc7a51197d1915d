"""Parts of a recipe (a network, a loss, an optimizer, ...): their modules and options.

A catalog of parts is in the parts' own folder (`trainer/losses/catalog.py`) and imports without
torch. An option is a field of the part's `Options`; it becomes a setting of the same name. All that
is said of it elsewhere is derived: the setting, its documentation, the JSON Schema, and the check
that it is given only where its part is chosen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, Field, create_model
from pydantic.fields import FieldInfo

from searchctl.trainer.settings.base import Settings

Common = TypeVar("Common", bound=Settings)


class Options(Settings):
    """Base of the options of a part, and the options of a part that has none."""

    @classmethod
    def of(cls, settings: BaseModel) -> Self:
        """Return these options as a trial's settings have them."""
        return cls.model_validate({name: getattr(settings, name) for name in cls.model_fields})


@dataclass(frozen=True)
class Part:
    """A part that a setting may name."""

    where: str
    """ "module:object", imported when the part is built."""
    options: type[Options] = Options

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its options."""
        return tuple(self.options.model_fields)

    def options_in(self, settings: BaseModel) -> Any:
        """Return its options as a trial's settings have them: one of `self.options`."""
        return self.options.of(settings)

    def load(self) -> Any:
        """Import and return the object."""
        module, _, attribute = self.where.partition(":")
        return getattr(import_module(module), attribute)


Parts = Mapping[str, Part]
"""Name in a sweep.yaml -> the part."""


def owners(parts: Parts) -> dict[str, list[str]]:
    """Return the option names of all parts, each with the names of the parts that have it."""
    found: dict[str, list[str]] = {}
    for name, part in parts.items():
        for option in part.names:
            found.setdefault(option, []).append(name)
    return found


def with_options(common: type[Common], kinds: Mapping[str, Parts]) -> type[Common]:
    """Return common settings with the options of all parts as further settings.

    Args:
        common: settings that belong to no single part.
        kinds: setting that names a part -> the parts that it may name.

    Raises:
        TypeError: an option has the name of another setting. Parts share an option by inheriting
            the class that declares it.
    """
    added: dict[str, Any] = {}
    for kind, parts in kinds.items():
        for option, names in owners(parts).items():
            fields = [parts[name].options.model_fields[option] for name in names]
            is_taken = option in added or option in common.model_fields
            if is_taken or len({repr(field) for field in fields}) > 1:
                raise TypeError(f"option {option} of {kind}: {', '.join(names)} is declared twice")
            added[option] = _setting(fields[0], f"Only with {kind}: {_listed(names)}.")
    return create_model(common.__name__, __base__=common, __module__=common.__module__, **added)


def _setting(option: FieldInfo, condition: str) -> tuple[Any, Any]:
    meaning = Field(description=f"{option.description} {condition}")
    return Annotated[option.annotation, *option.metadata, meaning], option.default


def _listed(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
