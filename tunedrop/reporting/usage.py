"""How to call a tuned model, ready to be copied. Nothing of a dataset goes into code.

The alias is read at each start, so that a promotion or a rollback reaches the application by itself.
"""

from __future__ import annotations

import msgspec

from tunedrop import catalog
from tunedrop.contracts import Ending
from tunedrop.stage import Stage

PROMPT = "Your question"


class Snippet(msgspec.Struct, frozen=True):
    """One piece of code under its title."""

    title: str
    code: str


def snippets(stage: Stage, ending: Ending) -> list[Snippet]:
    """Python and shell that ask the model in production; none for a run that was not promoted."""
    if ending.promotion is None or ending.dataset is None:
        return []
    alias = ending.promotion.alias
    if ending.dataset.target_format in ("converse", "openai-chat"):
        return [
            Snippet("Python (boto3)", _converse_python(stage.region, alias)),
            Snippet("AWS CLI", _converse_cli(stage.region, alias)),
        ]
    family = catalog.find(ending.run.base_model).family
    return [
        Snippet("Python (boto3)", _invoke_python(stage.region, alias, family)),
        Snippet("AWS CLI", _invoke_cli(stage.region, alias, family)),
    ]


def _head(region: str, alias: str) -> str:
    return (
        "import json\n\nimport boto3\n\n"
        f'session = boto3.Session(region_name="{region}")\n'
        f'alias = session.client("ssm").get_parameter(Name="{alias}")\n'
        'model_id = alias["Parameter"]["Value"]\n'
        'runtime = session.client("bedrock-runtime")\n'
    )


def _shell_head(region: str, alias: str) -> str:
    return (
        f"MODEL_ID=$(aws ssm get-parameter --name {alias} \\\n"
        f"  --region {region} --query Parameter.Value --output text)\n"
    )


def _converse_python(region: str, alias: str) -> str:
    return _head(region, alias).replace("import json\n\n", "") + (
        "answer = runtime.converse(\n"
        "    modelId=model_id,\n"
        f'    messages=[{{"role": "user", "content": [{{"text": "{PROMPT}"}}]}}],\n'
        '    inferenceConfig={"temperature": 0.0, "maxTokens": 512},\n'
        ")\n"
        'print(answer["output"]["message"]["content"][0]["text"])\n'
    )


def _converse_cli(region: str, alias: str) -> str:
    return _shell_head(region, alias) + (
        f'aws bedrock-runtime converse --region {region} --model-id "$MODEL_ID" \\\n'
        f'  --messages \'[{{"role": "user", "content": [{{"text": "{PROMPT}"}}]}}]\' \\\n'
        "  --query 'output.message.content[0].text' --output text\n"
    )


def _body(family: str) -> tuple[str, str]:
    """The request's body and where the answer is in the response, by the base model's family."""
    if family.startswith("titan"):
        return f'{{"inputText": "{PROMPT}"}}', '["results"][0]["outputText"]'
    return f'{{"prompt": "{PROMPT}", "max_gen_len": 512, "temperature": 0.0}}', '["generation"]'


def _invoke_python(region: str, alias: str, family: str) -> str:
    body, place = _body(family)
    return _head(region, alias) + (
        f"answer = runtime.invoke_model(modelId=model_id, body=json.dumps({body}))\n"
        f'print(json.loads(answer["body"].read()){place})\n'
    )


def _invoke_cli(region: str, alias: str, family: str) -> str:
    body, _ = _body(family)
    return _shell_head(region, alias) + (
        f'aws bedrock-runtime invoke-model --region {region} --model-id "$MODEL_ID" \\\n'
        f"  --cli-binary-format raw-in-base64-out --body '{body}' /dev/stdout\n"
    )
