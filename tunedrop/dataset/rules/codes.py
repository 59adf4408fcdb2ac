"""Every rule by its stable code. A code never changes its meaning; the reasons and examples are in
`explanations.toml`, and docs/rules.md is generated from both."""

from __future__ import annotations

from typing import Literal

Severity = Literal["error", "warning"]

ERRORS: dict[str, str] = {
    "TD001": "Each line is one JSON object.",
    "TD002": "The file is UTF-8 without a byte-order mark.",
    "TD003": "The file has no blank lines.",
    "TD004": "A JSON object has no duplicate keys.",
    "TD005": "The file can be read as records: JSON, a table, Excel or Parquet.",
    "TD006": "The file is not empty.",
    "TD009": "Each row of a table has exactly one cell per column.",
    "TD010": "All records have one supported format.",
    "TD011": "Every required key is present.",
    "TD012": "Each value has the expected type.",
    "TD016": "Each content block has a type that Bedrock supports.",
    "TD017": "The records are examples to learn from, not preferences between answers.",
    "TD018": "schemaVersion is present where the base model requires it.",
    "TD019": "The record can be expressed in the base model's format.",
    "TD020": "User and assistant turns alternate, starting with the user and ending with the assistant.",
    "TD021": "Prompts and answers are not empty.",
    "TD022": "The assistant's answers contain no images, videos or documents.",
    "TD023": "A role is `user` or `assistant`, in lower case.",
    "TD024": "Records with tool use need a base model that supports tool use in training.",
    "TD025": "Only the assistant has reasoning blocks, and only for base models that train on reasoning.",
    "TD026": "Every tool that is used is declared, and every tool result belongs to a tool use.",
    "TD030": "Prompts and system prompts contain no reserved words of the base model.",
    "TD031": "The record fits the base model's token limit.",
    "TD033": "The base model accepts the images, videos or documents in the record.",
    "TD040": "The number of records is within the base model's limits.",
    "TD041": "The file is within the base model's size limit.",
    "TD042": "The base model supports the method.",
    "TD043": "The base model accepts a validation set, if there is one.",
    "TD045": "Each line is within the method's size limit.",
    "TD046": "Each caption is within the base model's length limits.",
    "TD047": "Each conversation is within the method's limit on messages.",
    "TD052": "No test record is in the training or validation set.",
    "TD054": "The file is not mostly copies of the same records.",
    "TD070": "Each image, video or document has a format that the base model accepts.",
    "TD071": "A message has no more images, videos or documents than the base model accepts.",
    "TD072": "A message does not combine a video with images or documents.",
    "TD073": "A media URI points to S3 and contains only characters that Bedrock accepts.",
    "TD074": "bucketOwner is an AWS account number.",
    "TD075": "Images and videos are stored next to the dataset, or in a bucket that the stage may read.",
    "TD076": "A dataset contains images or videos, not both.",
    "TD078": "Each referenced image, video or document exists.",
    "TD079": "Each image, video or document has the format that the record declares.",
    "TD081": "Each image, video or document is within the base model's size limit.",
    "TD082": "Each image is within the base model's limits on width, height and pixels.",
    "TD088": "Each video is within the base model's duration limit.",
    "TD089": "The preferred and the rejected answer differ.",
    "TD090": "The preferred and the rejected answer belong to the same prompt.",
}
"""Bedrock rejects a dataset that breaks these rules, or training on it makes no sense."""

WARNINGS: dict[str, str] = {
    "TD007": "The file name consists of letters, digits and _ - / . only, and ends in .jsonl.",
    "TD008": "The file can be read completely and without guessing.",
    "TD013": "schemaVersion is bedrock-conversation-2024.",
    "TD014": "A record contains only keys that the format defines.",
    "TD015": "Either all records have a system prompt, or none has.",
    "TD027": "No AWS source warns about the record's tool use.",
    "TD028": "No answer is marked as excluded from training.",
    "TD032": "The base model accepts the system prompt where the record has it.",
    "TD034": "No text contains a word that AWS's own validator rejects.",
    "TD035": "The record fits the base model's token limit by AWS's strictest estimate, too.",
    "TD044": "There are as many records as the base model's documentation recommends.",
    "TD050": "There are no duplicate records.",
    "TD051": "Each prompt has one answer.",
    "TD053": "Records differ in more than numbers and punctuation.",
    "TD055": "Identical prompts have consistent answers in most of the file.",
    "TD056": "No validation record is in the training set.",
    "TD057": "The dataset is small enough for all records to be compared with each other.",
    "TD058": "No test prompt is a near-duplicate of a training prompt.",
    "TD060": "No text contains leftover template markup.",
    "TD061": "No text contains a key, token or other secret.",
    "TD062": "No text contains personal data.",
    "TD063": "Answers are of one kind: no single words among sentences.",
    "TD064": "No record is many times longer than the others.",
    "TD065": "Answers vary: no single answer dominates, and no label is too rare to learn.",
    "TD066": "No text was decoded with the wrong encoding.",
    "TD067": "No text is a spreadsheet error or a null value written as a word.",
    "TD068": "No text contains literal escape sequences.",
    "TD069": "No text contains leftover HTML.",
    "TD077": "Each image, video or document has a format that all AWS sources accept.",
    "TD083": "Each image, video or document is within the size limit of AWS's own validator.",
    "TD084": "No text contains control characters.",
    "TD085": "No text contains stop sequences or separators of older formats.",
    "TD086": "No text contains a transcript with speaker names.",
    "TD087": "Answers do not repeat their prompts.",
    "TD091": "The scores of the answers agree with the preference.",
    "TD092": "No preference is the reverse of another one.",
    "TD080": "A record for reinforcement fine-tuning has a reference answer.",
}
"""Violations are allowed but train badly, or AWS's own sources disagree about them."""

CODES: dict[str, str] = dict(sorted((ERRORS | WARNINGS).items()))
"""Every rule by its stable code."""


def severity(code: str) -> Severity:
    """`error` where a violation stops a run, `warning` otherwise."""
    return "warning" if code in WARNINGS else "error"
