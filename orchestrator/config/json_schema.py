"""The JSON Schema of a sweep.yaml: completion, help texts and red lines in an editor."""

from collections.abc import Mapping
from typing import Any

from searchctl.orchestrator.config.checks.no_axis import NO_AXIS
from searchctl.orchestrator.config.parsing.expressions import EXPRESSION
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.trainer.settings.options.in_effect import NO_NUMBER
from searchctl.trainer.settings.training import TrainSettings

Schema = dict[str, Any]
_NUMBERS = ("integer", "number")
_COMPUTED: Schema = {
    "type": "string",
    "pattern": EXPRESSION.pattern,
    "description": "A number to be computed: 0.1**0.5, sqrt(0.1).",
}
_INSIDE: Schema = {
    "type": ["number", "string", "boolean", "array", "object", "null"],
    "description": "A value inside a setting that is a mapping: model_args.depth.",
}
_NO_AXES = {*NO_AXIS, *NO_NUMBER}
_OF_SCRIPT: Schema = {
    "type": ["number", "string", "boolean", "array", "null"],
    "description": "A value of a placeholder.",
}
_BY_SCRIPT: Schema = {"anyOf": [{"required": ["command"]}, {"required": ["function"]}]}
_NOT_OF_THE_VALUE = ("default", "description", "title")
_WHEN: Schema = {
    "type": "object",
    "minProperties": 1,
    "description": "Take part only where these names have one of these values.",
}


def json_schema(own: Mapping[str, Schema] | None = None) -> Schema:
    """Return the schema (draft 2020-12), with the values of each axis typed by its setting.

    Args:
        own: the arguments of own parts: the setting that holds them -> the schema of that setting.
    """
    schema = Sweep.model_json_schema()
    own = own or {}
    for setting, options in own.items():
        schema["$defs"]["TrainSettings"]["properties"][setting] |= options
    schema["properties"]["space"] = {"type": "object", "minProperties": 1}
    schema |= {
        "if": {"required": ["training"], "properties": {"training": _BY_SCRIPT}},
        "then": {"properties": {"space": _space_of_script()}},
        "else": {"properties": {"space": _space(own), "halving": _any_score_else(schema)}},
    }
    schema["title"] = "sweep.yaml of searchctl"
    written = _as_written(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **written}


def _as_written(schema: Any) -> Any:
    """Let every number be written as an expression too, which an editor sees as a text."""
    if isinstance(schema, list):
        return [_as_written(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") not in _NUMBERS:
        return {key: _as_written(item) for key, item in schema.items()}
    about = {key: item for key, item in schema.items() if key in _NOT_OF_THE_VALUE}
    value = {key: item for key, item in schema.items() if key not in _NOT_OF_THE_VALUE}
    return {**about, "anyOf": [value, _COMPUTED]}


def _any_score_else(schema: Schema) -> Schema:
    """Let a script report a score of any name; return what holds for the section otherwise."""
    fields = schema["$defs"]["HalvingSettings"]["properties"]
    ours = fields["score"]
    about = {key: item for key, item in ours.items() if key in _NOT_OF_THE_VALUE}
    name = {"type": "string"}
    fields["score"] = {**about, "anyOf": [name, {"type": "array", "minItems": 1, "items": name}]}
    return {"properties": {"score": ours}}


def _space_of_script() -> Schema:
    bundle = {"type": "object", "description": "Values by the name of a placeholder."}
    return {
        "type": "object",
        "description": "What is searched: axes by the name of a placeholder, and `points`.",
        "properties": {
            "points": {
                "type": "array",
                "minItems": 1,
                "description": "Bundles of values, each crossed with the axes.",
                "items": bundle,
            }
        },
        "additionalProperties": _axis(_OF_SCRIPT),
    }


def _space(own: Mapping[str, Schema]) -> Schema:
    settings = TrainSettings.model_json_schema()["properties"]
    searchable = {name: field for name, field in settings.items() if name not in _NO_AXES}
    values = {name: _without_default(field) for name, field in searchable.items()}
    return {
        "type": "object",
        "description": "What is searched: axes by the name of a setting, and `points`.",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {
            "points": {
                "type": "array",
                "minItems": 1,
                "description": "Bundles of values, each crossed with the axes.",
                "items": {"type": "object", "additionalProperties": False, "properties": values},
            },
            **{name: _axis(value) for name, value in values.items()},
            **_own_axes(own),
        },
        "patternProperties": {r"^\w+\..+$": _axis(_INSIDE)},
    }


def _own_axes(own: Mapping[str, Schema]) -> Schema:
    """Return the axes of the options of own parts, by their whole names."""
    return {
        f"{setting}.{name}": _axis({"description": f"For {setting}.", **_without_default(value)})
        for setting, options in own.items()
        for name, value in options["properties"].items()
    }


def _without_default(field: Schema) -> Schema:
    return {key: value for key, value in field.items() if key not in ("default", "title")}


def _axis(value: Schema) -> Schema:
    options = {key: item for key, item in value.items() if key != "description"}
    listed = {"type": "array", "minItems": 1, "uniqueItems": True, "items": options}
    forms: list[Schema] = [listed, _object({"values": listed, "when": _WHEN}, ["values"])]
    if _is_mapping(value):
        forms.append({"type": "object", "minProperties": 1, "description": _INSIDE["description"]})
    if _is_numeric(value):
        bounds = {"low": options, "high": options, "step": {"type": "number"}}
        fields = {**bounds, "log": {"type": "boolean"}, "when": _WHEN}
        forms.append(_object(fields, ["low", "high"]))
    ranges = [
        {**form, "required": [*form["required"], "when"]} for form in forms if _has_when(form)
    ]
    forms.append({"type": "array", "minItems": 2, "items": {"anyOf": ranges}})
    return {"description": value["description"], "anyOf": forms}


def _has_when(form: Schema) -> bool:
    return "when" in form.get("properties", {})


def _is_numeric(value: Schema) -> bool:
    return any(
        number in (kind.get("type"), *_listed(kind))
        for kind in [value, *value.get("anyOf", ())]
        for number in _NUMBERS
    )


def _listed(kind: Schema) -> list[str]:
    types = kind.get("type")
    return types if isinstance(types, list) else []


def _is_mapping(value: Schema) -> bool:
    return any(kind.get("type") == "object" for kind in [value, *value.get("anyOf", ())])


def _object(properties: Schema, required: list[str]) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": required,
    }
