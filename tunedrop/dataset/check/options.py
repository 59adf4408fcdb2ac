"""What a check is asked: which base model, which method, how many findings to list."""

from __future__ import annotations

from typing import Literal

import msgspec

from tunedrop.catalog.model import BaseModel, MethodRules
from tunedrop.contracts import Method
from tunedrop.dataset.formats import METHODS, SourceFormat


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The same for every part of a dataset.

    `max_findings` is how many errors, and how many warnings, are listed; all are counted.
    """

    base_model: BaseModel | None = None
    method: Method | Literal["auto"] = "auto"
    max_findings: int = 100

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
