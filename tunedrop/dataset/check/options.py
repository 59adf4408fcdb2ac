"""The options of a check: base model, method, maximum number of findings."""

from __future__ import annotations

from typing import Literal

import msgspec

from tunedrop.catalog.method import MethodRules
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Method, RuleSettings
from tunedrop.dataset.duplicates.candidates import SPLITS
from tunedrop.dataset.formats import METHODS, SourceFormat
from tunedrop.dataset.rules import settings
from tunedrop.dataset.rules.codes import Severity, severity
from tunedrop.dataset.types import Split


class CheckOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a check, the same for all parts of a dataset.

    `max_findings` is how many errors, and how many warnings, are listed; all are counted. `rules`
    are changes to the rules, which `settings.problems` finds nothing wrong with. `judged`: the files whose
    errors count.
    """

    base_model: BaseModel | None = None
    method: Method | Literal["auto"] = "auto"
    max_findings: int = 100
    rules: RuleSettings = RuleSettings()
    judged: tuple[Split, ...] = SPLITS

    def severity(self, code: str) -> Severity | Literal["off"]:
        """The severity of a rule; `off` disables it."""
        return self.rules.severity.get(code) or severity(code)

    def threshold(self, name: str) -> float:
        """The threshold of a rule, by its name in `settings.THRESHOLDS`."""
        return settings.threshold(self.rules, name)

    def views(self, format_: SourceFormat) -> list[MethodRules | None]:
        """The candidate rule sets for records of a format.

        With `auto`, the method is known only after all records have been read.
        """
        views: list[MethodRules | None] = []
        for method in self._methods(format_):
            if (rules := self._rules(method)) not in views:
                views.append(rules)
        return views

    def view(self, format_: SourceFormat, method: Method) -> int:
        """The candidate rule set of a method."""
        return self.views(format_).index(self._rules(method))

    def _methods(self, format_: SourceFormat) -> tuple[Method, ...]:
        return METHODS[format_] if self.method == "auto" else (self.method,)

    def _rules(self, method: Method) -> MethodRules | None:
        return self.base_model.methods.get(method) if self.base_model is not None else None
