"""Sends a run to an MLflow tracking server through its REST API, without the MLflow package.

Sending is idempotent: a run is found by a tag, and metrics with the same timestamp are the same.
"""

from __future__ import annotations

import base64
import json
import math
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from tunedrop import clock
from tunedrop.aws import Aws
from tunedrop.errors import TransientError
from tunedrop.registry import Registry
from tunedrop.reporting import mlflow_run
from tunedrop.reporting.mlflow_run import KEY_TAG, MlflowRun
from tunedrop.results.collect import ending_of
from tunedrop.stage import Stage
from tunedrop.training import engines

SECONDS = 20.0
_API = "/api/2.0/mlflow/"
_MISSING = "RESOURCE_DOES_NOT_EXIST"
_EXISTS = "RESOURCE_ALREADY_EXISTS"


class MlflowError(Exception):
    """The server refused a call, or is not an MLflow server; the message has the call and the reason."""


def authorization(environment: Mapping[str, str]) -> str:
    """The header that MLflow's own client would send, from its environment variables."""
    if token := environment.get("MLFLOW_TRACKING_TOKEN"):
        return f"Bearer {token}"
    user = environment.get("MLFLOW_TRACKING_USERNAME")
    if not user:
        return ""
    text = f"{user}:{environment.get('MLFLOW_TRACKING_PASSWORD', '')}"
    return f"Basic {base64.b64encode(text.encode()).decode()}"


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect as the error it is: urllib would send the authorization on to any other host, such as
    the sign-in page to which a proxy sends those whose token has expired."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


class Server:
    """A tracking server.

    Parameters
    ----------
    uri
        Its address, such as `https://mlflow.example.com`; `http` for a server on this machine.
    authorization
        The header `Authorization`, such as `Bearer …`; empty for a server without sign-in.

    Raises
    ------
    MlflowError
        If the address is not an http or https address.
    """

    def __init__(self, uri: str, authorization: str = "") -> None:
        if not uri.startswith(("https://", "http://")):
            raise MlflowError(
                f"{uri} is not the address of a tracking server: it must begin with https:// or http://"
            )
        self._uri = uri.rstrip("/")
        self._authorization = authorization

    def send(self, run: MlflowRun) -> str:
        """Create or complete the run; returns its address for a browser.

        Raises
        ------
        MlflowError
            If the server refuses it.
        TransientError
            If the server cannot be reached or has an internal error: a later try may succeed.
        """
        experiment = self._experiment(run.experiment)
        id_ = self._run(experiment, run)
        self._call(
            "runs/log-batch",
            run_id=id_,
            params=_pairs(run.params),
            tags=_pairs(run.tags),
            metrics=[msgspec.to_builtins(one) for one in run.metrics if math.isfinite(one.value)],
        )
        self._call("runs/update", run_id=id_, status=run.status, end_time=run.ended)
        return f"{self._uri}/#/experiments/{experiment}/runs/{id_}"

    def _experiment(self, name: str) -> str:
        found = self._named(name)
        if found is None:
            try:
                return str(self._call("experiments/create", name=name)["experiment_id"])
            except MlflowError as error:
                if _EXISTS not in str(error):
                    raise
                found = self._named(name)
        if found is None or found.get("lifecycle_stage", "active") != "active":
            raise MlflowError(f"the experiment {name} was deleted: restore it, or delete it for good")
        return str(found["experiment_id"])

    def _named(self, name: str) -> dict[str, Any] | None:
        try:
            answer = self._call(f"experiments/get-by-name?experiment_name={quote(name, safe='')}")
        except MlflowError as error:
            if _MISSING in str(error):
                return None
            raise
        found: dict[str, Any] = answer["experiment"]
        return found

    def _run(self, experiment: str, run: MlflowRun) -> str:
        search = {"experiment_ids": [experiment], "filter": f"tags.`{KEY_TAG}` = '{run.key}'"}
        for found in self._call("runs/search", **search, max_results=1).get("runs", []):
            return str(found["info"]["run_id"])
        made = self._call(
            "runs/create",
            experiment_id=experiment,
            run_name=run.name,
            start_time=run.started,
            tags=_pairs({KEY_TAG: run.key}),
        )
        return str(made["run"]["info"]["run_id"])

    def _call(self, path: str, **body: Any) -> dict[str, Any]:
        """One call: POST with a body, GET without."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._authorization:
            headers["Authorization"] = self._authorization
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(f"{self._uri}{_API}{path}", data=data, headers=headers)  # noqa: S310
        try:
            with _OPENER.open(request, timeout=SECONDS) as answer:
                read: dict[str, Any] = json.loads(answer.read() or b"{}")
                return read
        except urllib.error.HTTPError as error:
            said = (
                f"MLflow, {path.partition('?')[0]}: {error.code} {error.read(2_000).decode(errors='replace')}"
            )
            raise (TransientError if error.code >= 500 or error.code == 429 else MlflowError)(said) from error
        except OSError as error:
            raise TransientError(f"{self._uri} cannot be reached: {error}") from error
        except ValueError as error:
            raise MlflowError(f"{self._uri} does not answer as an MLflow server: {error}") from error


def export(aws: Aws, stage: Stage, registry: Registry, run_id: str, server: Server) -> str:
    """Send a run that has ended; returns its address for a browser.

    Raises
    ------
    MlflowError
        If there is no such run, or the server refuses it.
    TransientError
        If a later try may succeed.
    """
    record = registry.get(run_id)
    if record is None:
        raise MlflowError(f"there is no run {run_id} in stage {stage.name}")
    ending = ending_of(record)
    curves = engines.curves_of(aws, ending.job)
    return server.send(mlflow_run.of(stage, ending, record.updated_at or clock.now(), curves))


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]
