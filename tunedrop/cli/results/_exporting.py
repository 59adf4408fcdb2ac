"""`export`: sends runs that have ended to an MLflow tracking server."""

from __future__ import annotations

import os

from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import NO, USAGE
from tunedrop.cli.output import Format, console, fail, print_json
from tunedrop.errors import TransientError
from tunedrop.results import mlflow


def export(here: Deployed, names: list[str], uri: str, format_: Format) -> None:
    """Send runs by id or name. If one is still open, none is sent."""
    if not uri:
        fail("name the tracking server: --mlflow https://mlflow.example.com", USAGE)
    records = [here.run(name) for name in names]
    for record in records:
        if record.is_open:
            fail(f"{record.run.run_id} has not ended", NO, f"Follow it: tunedrop watch {record.run.run_id}")
    try:
        server = mlflow.Server(uri, mlflow.authorization(os.environ))
        sent = {
            record.run.run_id: mlflow.export(here.aws, here.stage, here.registry, record.run.run_id, server)
            for record in records
        }
    except (mlflow.MlflowError, TransientError) as error:
        fail(str(error), NO)
    if format_ is Format.json:
        print_json(sent)
    else:
        for address in sent.values():
            console.print(address, soft_wrap=True)
