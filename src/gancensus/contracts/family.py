"""The plug-in families, of which a file is a member: one frozen model, whose fields are the configuration's keys."""

import difflib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError


class Strict(BaseModel):
    """A section of the configuration: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_truth_as_number(cls, data: Any) -> Any:
        """Refuse `epochs: yes`, which would count as 1."""
        for name, field in cls.model_fields.items() if isinstance(data, Mapping) else ():
            if field.annotation in (int, float) and isinstance(data.get(name), bool):
                raise PydanticCustomError("number", "{key} needs a number, not yes or no", {"key": name})
        return data

    @field_validator("path", "labels", "data_home", mode="before", check_fields=False)  # "*" cannot be before a `kind`
    @classmethod
    def _no_empty_path(cls, value: Any) -> Any:
        """Refuse `path: ""`, which would be the working directory and all that is in it."""
        return _not_empty(value)

    @field_validator("*")
    @classmethod
    def _no_folder_named_tilde(cls, value: Any) -> Any:
        """Expand `~` in every path."""
        return expanded(value) if isinstance(value, Path) else value


def _not_empty(value: Any) -> Any:
    """Return the text of a path, or refuse an empty one."""
    if value == "":
        raise PydanticCustomError("path", "is empty; name a file or folder")
    return value


def expanded(path: Path) -> Path:
    """Return a path with `~` and `~user` expanded; raises ValueError where there is no such user.

    As in a shell, a file or folder whose own name begins like that is meant where there is no such user.
    """
    try:
        return path.expanduser()
    except RuntimeError:
        with suppress(OSError):  # too long a name
            if path.exists():
                return path.absolute()
        raise PydanticCustomError("path", "{path}: there is no such user or home", {"path": path.parts[0]}) from None


UserPath = Annotated[Path, BeforeValidator(_not_empty), AfterValidator(expanded)]
"""A path among others under one key; a key of its own has these checks anyway."""


class Member(Strict):
    """A member of a family; its fields are configuration keys, and `kind` is its name."""

    outside_training: ClassVar[frozenset[str]] = frozenset()
    """Keys that say nothing about its training: a model stays what it is when their values change."""

    obtain: ClassVar[str] = ""
    """Which file it needs, and where to get it, if that is the same for everyone."""

    kind: str

    def files(self) -> list[Path]:
        """Return the user's files and folders that the member reads: when they change, its jobs run again."""
        return []


def suggestion(word: object, known: Iterable[object]) -> str:
    """Return '; did you mean X?' for the closest known word, or the list of known words."""
    names = sorted(map(str, known))
    alike = {name.casefold(): name for name in reversed(names)}
    close = difflib.get_close_matches(str(word).casefold().strip(), alike, n=1)
    return f"; did you mean '{alike[close[0]]}'?" if close else f"; there are: {', '.join(names) or 'none'}"


def reference(section: str) -> Any:
    """Return the type of a key that names an entry of a study's `encoders` or `selections`.

    The names are found in the validation context, which a study fills before its own keys are validated.
    """

    def check(name: str, info: ValidationInfo) -> str:
        known = (info.context or {}).get(section)
        if known is not None and name not in known:
            hint = suggestion(name, known)
            raise PydanticCustomError(
                "reference",
                "'{name}' is not one of the study's {section}{hint}",
                {"name": name, "section": section, "hint": hint},
            )
        return name

    return Annotated[str, AfterValidator(check)]


EncoderName = reference("encoders")
SelectionName = reference("selections")
