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
    """Look at the parameters of every call as they are sent: boto3 takes some of them in other forms too."""
    convert = client._convert_to_request_dict

    def watched(self: Any, api_params: dict[str, Any], operation_model: Any, *rest: Any, **named: Any) -> Any:
        from local.bedrock.shapes import problems

        if operation_model.input_shape is not None:
            found = list(problems(operation_model.input_shape, api_params))
            if found:
                service = operation_model.service_model.service_name
                with Path(LOG).open("a") as log:
                    log.writelines(f"request {service} {operation_model.name}: {one}\n" for one in found)
        return convert(self, api_params, operation_model, *rest, **named)

    client._convert_to_request_dict = watched


if LOG:
    sys.meta_path.insert(0, WhenImported())
