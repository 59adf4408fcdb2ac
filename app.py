"""The CDK app: `cdk deploy -c stage=dev`. The stages are described in `cdk.json`."""

import sys

from aws_cdk import App

from infra.application import add_stack
from infra.settings import SettingsError

app = App()
try:
    add_stack(app)
except SettingsError as error:
    sys.exit(str(error))
app.synth()
