"""Holds every AWS request of a process against AWS's service models; Python imports this when it starts.

Only processes of the embedded AWS have this folder on their path. botocore's client is patched when it is
imported, from wherever the process imports it: a function's bundle brings its own.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

LOG = os.environ.get("TUNEDROP_VIOLATIONS", "")


class WhenImported(importlib.abc.MetaPathFinder):
    """Patches `botocore.client` after its own loader has run it."""

    def find_spec(self, name: str, *_: Any) -> Any:
        if name != "botocore.client":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                watch(module.BaseClient)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def watch(client: Any) -> None:
    """Look at the parameters of every call before it is made."""
    call = client._make_api_call

    def watched(self: Any, operation: str, parameters: dict[str, Any]) -> Any:
        from local.bedrock.shapes import problems

        model = self.meta.service_model.operation_model(operation)
        if model.input_shape is not None:
            found = list(problems(model.input_shape, parameters))
            if found:
                with Path(LOG).open("a") as log:
                    log.writelines(
                        f"request {model.service_model.service_name} {operation}: {one}\n" for one in found
                    )
        return call(self, operation, parameters)

    client._make_api_call = watched


if LOG:
    sys.meta_path.insert(0, WhenImported())
