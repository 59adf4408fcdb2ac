"""The CDK app: `cdk deploy -c stage=dev`. The stages are described in `cdk.json`."""

import os
import sys

# jsii prints a banner of 11 lines at every synth; `tunedrop doctor` says it once.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "18,20,21,23")
try:
    from aws_cdk import App
except ModuleNotFoundError:
    sys.exit(
        "aws-cdk-lib is not installed for this Python: run `make setup`, then `source .venv/bin/activate`"
    )

from infra.application import add_stack
from infra.settings import SettingsError

app = App()
try:
    add_stack(app)
except SettingsError as error:
    sys.exit(str(error))
app.synth()
