"""Values of settings for tests that cover everything in the catalogs."""

from typing import Any

from pydantic import ValidationError

from searchctl.trainer.settings.catalog import RECIPE
from searchctl.trainer.settings.options.recipe_options import RULES, Rule
from searchctl.trainer.settings.training import TrainSettings

CANDIDATES = (0.5, 0.25, 2, 3, 16, True, False, "resnet18", "6,12,18", "effective_number")


def other_values(name: str) -> list[Any]:
    """Return the candidates that are valid values of a setting, and not its default."""
    default = TrainSettings.model_fields[name].default
    return [value for value in CANDIDATES if value != default and _is_valid(name, value)]


def where_used(rule: Rule) -> dict[str, Any]:
    """Return settings with which the setting of a rule has an effect."""
    of_parts = {each.other: each.only[0] for each in RULES if _is_of_part(each, rule.setting)}
    return {**of_parts, rule.other: rule.only[0]} if rule.only else of_parts


def where_unused(rule: Rule) -> dict[str, Any]:
    """Return settings with which the setting of a rule has no effect, for this rule alone."""
    if rule.never:
        return {**where_used(rule), rule.other: rule.never[0]}
    names = [name for name in RECIPE[rule.other] if name not in rule.only and ":" not in name]
    return {rule.other: names[0]}


def _is_of_part(rule: Rule, setting: str) -> bool:
    return rule.setting == setting and bool(rule.only)


def _is_valid(name: str, value: object) -> bool:
    try:
        TrainSettings.model_validate({name: value}, strict=True)
    except ValidationError:
        return False
    return True
