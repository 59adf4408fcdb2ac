"""Every rule by its stable code. A code never changes its meaning; what each is about, with examples, is in
`explanations.toml`, and the page made of both is docs/rules.md."""

from __future__ import annotations

from typing import Literal

Severity = Literal["error", "warning"]

ERRORS: dict[str, str] = {
    "TD001": "A line is one JSON object.",
    "TD002": "A file is UTF-8 without a byte-order mark.",
    "TD003": "There are no blank lines.",
    "TD004": "A JSON object names each key once.",
    "TD005": "A file holds JSON lines: not a JSON array, CSV, Parquet or a compressed file.",
    "TD006": "A file is not empty.",
    "TD009": "A row of a table has a cell for each column of the header, and no more.",
    "TD010": "All records have one format that Bedrock or we can read.",
    "TD011": "Every key that the format needs is there.",
    "TD012": "Values have the type that the format wants.",
    "TD016": "A content block is one of those that Bedrock knows.",
    "TD017": "The records are examples to learn from, not preferences between answers.",
    "TD018": "A record names its schemaVersion where the base model asks for it.",
    "TD019": "The base model's format can hold the record.",
    "TD020": "User and assistant take turns; the user begins and the assistant ends.",
    "TD021": "Prompts and answers are not empty.",
    "TD022": "The assistant answers without images, videos or documents.",
    "TD023": "A role is user or assistant, in lower case.",
    "TD024": "The base model is tuned on tool use, where a record has it.",
    "TD025": "Only the assistant reasons, and the base model is tuned on reasoning.",
    "TD026": "Tools that are used are declared, and their results belong to a use.",
    "TD030": "No reserved word of the base model is in a prompt or a system prompt.",
    "TD031": "A record is within the base model's number of tokens.",
    "TD033": "The base model takes images, videos or documents, where a record has them.",
    "TD040": "The number of records is within the base model's limits.",
    "TD041": "The file is within the base model's size.",
    "TD042": "The base model has the method.",
    "TD043": "The base model takes a validation set, where there is one.",
    "TD045": "A line is within the method's size.",
    "TD046": "A caption is within the base model's length.",
    "TD047": "A conversation is within the method's number of messages.",
    "TD052": "No record is in the test set and in what is trained on.",
    "TD054": "A file is not one record many times over.",
    "TD070": "An image, video or document has a format that the base model takes.",
    "TD071": "A message has no more images, videos or documents than the base model takes.",
    "TD072": "A message has no video beside images or documents.",
    "TD073": "A media URI is one in S3, of characters that Bedrock takes.",
    "TD074": "bucketOwner is the number of an AWS account.",
    "TD075": "Images and videos lie beside the dataset, or in a bucket that the stage may read.",
    "TD076": "A dataset has images or videos, not both.",
    "TD078": "An image, video or document is there.",
    "TD079": "An image, video or document is of the format that the record names.",
    "TD081": "An image, video or document is within the base model's size.",
    "TD082": "An image has as many pixels as the base model takes.",
    "TD088": "A video is as long as the base model takes.",
}
"""Rules that Bedrock refuses a dataset for, or that make training on it senseless."""

WARNINGS: dict[str, str] = {
    "TD007": "A file's name is one that Bedrock takes: letters, digits, _ - / . and .jsonl at its end.",
    "TD008": "A file is read without guesses, and all of it is records.",
    "TD013": "schemaVersion is bedrock-conversation-2024.",
    "TD014": "A record has only keys that the format knows.",
    "TD015": "A system prompt is in all records, or in none.",
    "TD027": "A record of tool use is one that no source warns of.",
    "TD028": "No answer is marked as one that is not to be learned.",
    "TD032": "The base model takes a system prompt as the record has it.",
    "TD034": "No text has a word that AWS's own validator refuses.",
    "TD035": "A record is within the base model's number of tokens by AWS's strictest estimate, too.",
    "TD044": "There are as many records as the base model's documentation advises.",
    "TD050": "Records are different from each other.",
    "TD051": "One prompt has one answer.",
    "TD053": "Records differ in more than numbers and punctuation.",
    "TD055": "Identical prompts have consistent answers in most of a file.",
    "TD056": "No record is in the validation set and in the training set.",
    "TD057": "Records are few enough to be compared with each other.",
    "TD058": "No test record asks nearly what is trained on.",
    "TD060": "No leftover of a template is in a text.",
    "TD061": "No key, token or other secret is in a text.",
    "TD062": "No personal data is in a text.",
    "TD063": "Answers are alike in kind: no single words among sentences.",
    "TD064": "No record is many times longer than the others.",
    "TD065": "Answers vary: no label or answer is nearly all of them, and no label too rare to learn.",
    "TD066": "No text was decoded wrongly.",
    "TD067": "No text is an error of a spreadsheet, or a program's word for nothing.",
    "TD068": "No escape stands in a text as characters.",
    "TD069": "No HTML is left in a text.",
    "TD077": "An image, video or document has a format that all of AWS's sources take.",
    "TD083": "An image, video or document is within the size that AWS's own validator names.",
    "TD084": "No control character is in a text.",
    "TD085": "No stop mark or separator of an older format is in a text.",
    "TD086": "No speaker's name stands inside a text.",
    "TD087": "Answers do not repeat their prompts.",
    "TD080": "A record for reinforcement fine-tuning has a reference answer.",
}
"""Rules about what is legal and trains badly, or what AWS's own sources disagree about."""

CODES: dict[str, str] = dict(sorted((ERRORS | WARNINGS).items()))
"""Every rule by its stable code."""


def severity(code: str) -> Severity:
    """Whether breaking a rule stops a run."""
    return "warning" if code in WARNINGS else "error"
