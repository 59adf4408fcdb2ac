"""What a check is asked: which base model, which method, how many findings to list."""

from __future__ import annotations

from typing import Literal

import msgspec

from tunedrop.catalog.model import BaseModel, MethodRules
from tunedrop.contracts import Method, RuleSettings
from tunedrop.dataset.formats import METHODS, SourceFormat
from tunedrop.dataset.rules import settings
from tunedrop.dataset.rules.codes import Severity, severity


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The same for every part of a dataset.

    `max_findings` is how many errors, and how many warnings, are listed; all are counted. `rules`
    are changes to the rules, which `settings.problems` finds nothing wrong with.
    """

    base_model: BaseModel | None = None
    method: Method | Literal["auto"] = "auto"
    max_findings: int = 100
    rules: RuleSettings = RuleSettings()

    def severity(self, code: str) -> Severity | Literal["off"]:
        """How bad it is to break a rule; `off`: nobody wants to know."""
        return self.rules.severity.get(code) or severity(code)

    def threshold(self, name: str) -> float:
        """A number that a rule compares with, by its name in `settings.THRESHOLDS`."""
        return settings.threshold(self.rules, name)

    def views(self, format_: SourceFormat) -> list[MethodRules | None]:
        """The different rules that records of a format may turn out to be judged by.

        With `auto`, which method a dataset is for is known only once all of it has been read.
        """
        views: list[MethodRules | None] = []
        for method in self._methods(format_):
            if (rules := self._rules(method)) not in views:
                views.append(rules)
        return views

    def view(self, format_: SourceFormat, method: Method) -> int:
        """Which of the views is the one of a method."""
        return self.views(format_).index(self._rules(method))

    def _methods(self, format_: SourceFormat) -> tuple[Method, ...]:
        return METHODS[format_] if self.method == "auto" else (self.method,)

    def _rules(self, method: Method) -> MethodRules | None:
        return self.base_model.methods.get(method) if self.base_model is not None else None
