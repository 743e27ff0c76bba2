"""What every event can do, by the names that pydantic gives the methods of its models."""

from typing import Any, ClassVar, Literal, Self

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import SchemaSerializer, SchemaValidator, to_json


class Event:
    """Base of the events, which are pydantic's dataclasses."""

    __slots__ = ()

    __pydantic_fields__: ClassVar[dict[str, FieldInfo]]
    __pydantic_serializer__: ClassVar[SchemaSerializer]
    __pydantic_validator__: ClassVar[SchemaValidator]

    @classmethod
    def model_validate_json(cls, value: str | bytes) -> Self:
        """The event that a JSON text holds; raises pydantic's ValidationError."""
        event: Self = cls.__pydantic_validator__.validate_json(value)
        return event

    @classmethod
    def model_validate(cls, value: dict[str, Any]) -> Self:
        """The event of a dictionary, by way of its JSON: strict dataclasses take no dictionaries for one another."""
        return cls.model_validate_json(to_json(value))

    @classmethod
    def model_construct(cls, **values: Any) -> Self:
        """An event of values that are known to be valid; fields without a value have their default or are unset."""
        event = object.__new__(cls)
        for name, field in cls.__pydantic_fields__.items():
            if name in values or not field.is_required():
                object.__setattr__(event, name, values.get(name, field.default))
        return event

    @classmethod
    def model_json_schema(cls, *, mode: Literal["validation", "serialization"] = "validation") -> dict[str, Any]:
        """Its JSON Schema."""
        return TypeAdapter(cls).json_schema(mode=mode)

    def model_dump(self, *, mode: Literal["json", "python"] = "python", exclude_none: bool = False) -> dict[str, Any]:
        """Its fields and their values; with mode `json` only such that JSON has."""
        fields: dict[str, Any] = self.__pydantic_serializer__.to_python(self, mode=mode, exclude_none=exclude_none)
        return fields

    def model_dump_json(self, *, exclude_none: bool = False) -> str:
        """Its JSON text."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=exclude_none).decode()

    def model_copy(self, *, update: dict[str, Any]) -> Self:
        """The same with other values, which nobody looks at."""
        values = {name: getattr(self, name) for name in self.__pydantic_fields__}
        return self.model_construct(**(values | update))
