"""Sample code that calls a tuned model.

It contains no text from the dataset, so the system prompt is a placeholder.

The code reads the alias at each start, so that promotions and rollbacks take effect.
"""

from __future__ import annotations

import msgspec

from tunedrop import catalog
from tunedrop.catalog.method import CONVERSATIONS
from tunedrop.contracts import Ending
from tunedrop.serving import kinds
from tunedrop.stage import Stage

PROMPT = "Your question"
SYSTEM = "The system prompt of your training data"
_NOTE = "# The same system prompt as in training; remove it if there was none.\n"

_SAID = (
    f'{{"role": "system", "content": "{SYSTEM}"}}',
    f'{{"role": "user", "content": "{PROMPT}"}}',
)
_MESSAGES = f"[{', '.join(_SAID)}]"
_IN_LINES = "".join(("[\n", *(f"    {one},\n" for one in _SAID), "]"))
"""The messages for APIs that follow OpenAI's: on one line, and on a line each."""


class Snippet(msgspec.Struct, frozen=True):
    """One piece of code with its title; `language` is for syntax highlighting."""

    title: str
    code: str
    language: str = "python"


def snippets(stage: Stage, ending: Ending) -> list[Snippet]:
    """Code that calls the production model; none for a run that was not promoted. The shell snippet is
    last."""
    if ending.promotion is None or ending.dataset is None:
        return []
    alias = ending.promotion.alias
    kind = kinds.of_arn(ending.promotion.model_id)
    is_conversation = ending.dataset.target_format in CONVERSATIONS
    if kind is not None and kind.asked_by == "chat-http":
        return [
            Snippet("Python (OpenAI)", _openai_python(stage.region, alias)),
            Snippet("curl", _openai_curl(stage.region, alias), "sh"),
        ]
    if kind is not None and kind.asked_by == "chat":
        body, place = (_CHAT, '["message"]["content"]') if is_conversation else (_COMPLETION, '["text"]')
        return [
            Snippet("Python (boto3)", _imported_python(stage.region, alias, body, place)),
            Snippet("AWS CLI", _imported_cli(stage.region, alias, body), "sh"),
        ]
    if is_conversation:
        return [
            Snippet("Python (boto3)", _converse_python(stage.region, alias)),
            Snippet("LangChain (langchain-aws)", _langchain(stage.region, alias, _provider(ending))),
            Snippet("LiteLLM", _litellm(stage.region, alias)),
            Snippet("AWS CLI", _converse_cli(stage.region, alias), "sh"),
        ]
    family = catalog.find(ending.run.base_model).family
    return [
        Snippet("Python (boto3)", _invoke_python(stage.region, alias, family)),
        Snippet("AWS CLI", _invoke_cli(stage.region, alias, family), "sh"),
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
        f"{_NOTE}"
        "answer = runtime.converse(\n"
        "    modelId=model_id,\n"
        f'    system=[{{"text": "{SYSTEM}"}}],\n'
        f'    messages=[{{"role": "user", "content": [{{"text": "{PROMPT}"}}]}}],\n'
        '    inferenceConfig={"temperature": 0.0, "maxTokens": 512},\n'
        ")\n"
        'print(answer["output"]["message"]["content"][0]["text"])\n'
    )


_CHAT = f'{{"messages": {_MESSAGES}, "max_tokens": 2048}}'
_COMPLETION = '{"prompt": "The beginning of a text", "max_tokens": 512}'
"""Request bodies of imported models; a base model continues a text."""


def _imported_python(region: str, alias: str, body: str, place: str) -> str:
    """An imported model is unloaded while idle: the first answer may take a minute."""
    return _head(region, alias) + (
        f"{_NOTE if body == _CHAT else ''}body = {body}\n"
        "answer = runtime.invoke_model(modelId=model_id, body=json.dumps(body))\n"
        f'print(json.loads(answer["body"].read())["choices"][0]{place})\n'
    )


def _imported_cli(region: str, alias: str, body: str) -> str:
    return _shell_head(region, alias) + (
        f"{_NOTE if body == _CHAT else ''}"
        f"aws bedrock-runtime invoke-model --region {region} --model-id $MODEL_ID \\\n"
        "  --cli-binary-format raw-in-base64-out \\\n"
        f"  --body '{body}' \\\n"
        "  answer.json && cat answer.json\n"
    )


def _openai_python(region: str, alias: str) -> str:
    """The alias holds the address of the chat API with the model in its query; API keys expire after
    hours."""
    return (
        "from urllib.parse import parse_qs, urlsplit\n\n"
        "import boto3\n"
        "from aws_bedrock_token_generator import provide_token\n"
        "from openai import OpenAI\n\n"
        f'session = boto3.Session(region_name="{region}")\n'
        f'alias = session.client("ssm").get_parameter(Name="{alias}")\n'
        'address = urlsplit(alias["Parameter"]["Value"])\n'
        f'key = provide_token(region="{region}")\n'
        'client = OpenAI(base_url=f"https://{address.netloc}/v1", api_key=key)\n'
        f"{_NOTE}messages = {_IN_LINES}\n"
        "answer = client.chat.completions.create(\n"
        '    model=parse_qs(address.query)["model"][0],\n'
        "    messages=messages,\n"
        "    max_tokens=2048,\n"
        ")\n"
        "print(answer.choices[0].message.content)\n"
    )


def _openai_curl(region: str, alias: str) -> str:
    return (
        f"ADDRESS=$(aws ssm get-parameter --name {alias} \\\n"
        f"  --region {region} --query Parameter.Value --output text)\n"
        "MODEL=${ADDRESS#*model=}; MODEL=${MODEL%%#*}\n"
        "MODEL=$(printf '%b' \"${MODEL//%/\\\\x}\")\n"
        'curl "${ADDRESS%%\\?*}" -H "Content-Type: application/json" \\\n'
        '  -H "Authorization: Bearer $AWS_BEARER_TOKEN_BEDROCK" \\\n'
        '  -d \'{"model": "\'"$MODEL"\'", "messages": '
        f'{_MESSAGES}, "max_tokens": 2048}}\'\n'
    )


def _provider(ending: Ending) -> str:
    """The provider of the base model: `amazon`, `meta`."""
    return ending.run.base_model.partition(".")[0]


def _langchain(region: str, alias: str, provider: str) -> str:
    """An ARN does not contain the provider, so it is passed explicitly."""
    return (
        "import boto3\nfrom langchain_aws import ChatBedrockConverse\n\n"
        f'session = boto3.Session(region_name="{region}")\n'
        f'alias = session.client("ssm").get_parameter(Name="{alias}")\n'
        "chat = ChatBedrockConverse(\n"
        '    model=alias["Parameter"]["Value"],\n'
        f'    provider="{provider}",\n'
        f'    region_name="{region}",\n'
        "    temperature=0.0,\n"
        ")\n"
        f"{_NOTE}"
        f'messages = [("system", "{SYSTEM}"), ("human", "{PROMPT}")]\n'
        "print(chat.invoke(messages).content)\n"
    )


def _litellm(region: str, alias: str) -> str:
    return (
        "import boto3\nfrom litellm import completion\n\n"
        f'session = boto3.Session(region_name="{region}")\n'
        f'alias = session.client("ssm").get_parameter(Name="{alias}")\n'
        f"{_NOTE}"
        f"messages = {_IN_LINES}\n"
        "answer = completion(\n"
        '    model="bedrock/converse/" + alias["Parameter"]["Value"],\n'
        "    messages=messages,\n"
        f'    aws_region_name="{region}",\n'
        ")\n"
        "print(answer.choices[0].message.content)\n"
    )


def _converse_cli(region: str, alias: str) -> str:
    return _shell_head(region, alias) + (
        f"{_NOTE}"
        f'aws bedrock-runtime converse --region {region} --model-id "$MODEL_ID" \\\n'
        f'  --system \'[{{"text": "{SYSTEM}"}}]\' \\\n'
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
