from __future__ import annotations

import json

import pytest
from markdown_it import MarkdownIt

from tests import builders
from tunedrop.contracts import Ending, Failure
from tunedrop.reporting import chat


def test_a_run_that_failed_is_told_in_the_chat_clients_schema() -> None:
    cause = "<!channel> @here see `rm -rf`"
    ending = Ending(run=builders.run(), failure=Failure(error="CustomizationFailed", cause=cause))

    message = chat.message(builders.stage(name="prod"), ending)

    assert (message["version"], message["source"]) == ("1.0", "custom")
    assert message["content"]["title"].endswith("persona-0123456789 failed")
    assert "<!channel>" not in json.dumps(message)
    assert "@here" not in message["content"]["description"]
    assert message["content"]["keywords"] == ["failed", builders.NOVA_LITE, "prod"]
    assert message["metadata"]["threadId"] == "persona-0123456789"


def test_a_verdict_is_told_with_each_score_on_a_line_of_its_own() -> None:
    ending = Ending(run=builders.run(), evaluation=builders.evaluation(verdict="reject"))

    said = chat.message(builders.stage(), ending)["content"]["description"]

    *verdict, link = said.splitlines()
    assert verdict == ["Token F1 rose from 0.30 to 0.60.", "- Token F1 0.300 to 0.600 (+0.300)"]
    assert link.startswith("<https://us-east-1.console.aws.amazon.com/s3/object/artifacts?")
    assert link.endswith("report.html|Open the report>")


# Spellings of CommonMark 0.31.2, section 6.3 and 6.4, of which Microsoft Teams makes links and images.
@pytest.mark.parametrize(
    "cause",
    [
        "[Approve](https://a.example)",
        "![x](https://a.example/x.png)",
        "[Approve][1]\n\n[1]: https://a.example",
        "[[Approve]](https://a.example)",
    ],
)
def test_no_text_of_an_uploader_hides_where_a_link_leads(cause: str) -> None:
    ending = Ending(run=builders.run(), failure=Failure(error="InvalidManifest", cause=cause))

    content = chat.message(builders.stage(), ending)["content"]

    shown = (content["description"].rpartition("\n")[0], *content["nextSteps"])
    rendered = "".join(MarkdownIt().render(one) for one in shown)
    assert "<a " not in rendered
    assert "<img" not in rendered
