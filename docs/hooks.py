"""MkDocs hooks: the pages of the reference and the JSON Schemas, written while the site is built."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs.reference import (
    calculator,
    cli,
    errors,
    events,
    evidence,
    local_bedrock,
    manifest,
    models,
    permissions,
    settings,
)
from infra import diagram
from infra.bundling import ROOT
from tunedrop.schemas import SCHEMAS

MERMAID, WORKER = "assets/mermaid.js", "assets/worker.js"
SCRIPTS = {
    MERMAID: ROOT / "node_modules" / "@mermaid-js" / "tiny" / "dist" / "mermaid.tiny.js",
    WORKER: ROOT / "node_modules" / "iframe-worker" / "shim" / "index.js",
}
"""What the site loads, from itself: a drawer of diagrams, and what makes the search work from a disk."""

_ELSEWHERE = "https://unpkg.com/iframe-worker/shim"
"""Where Material would load the second one from."""

PAGES: dict[str, Callable[[], str]] = {
    "manifest": manifest.markdown,
    "settings": settings.markdown,
    "cli": cli.markdown,
    "events": events.markdown,
    "models": models.markdown,
    "permissions": lambda: permissions.markdown(diagram.template()["Resources"]),
    "errors": errors.markdown,
    "evidence": lambda: evidence.markdown(diagram.template()["Resources"]),
    "local-bedrock": local_bedrock.markdown,
}
"""The pages of the reference that are written from the code, by name."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is generated to what is on disk."""
    for name, markdown in PAGES.items():
        files.append(File.generated(config, f"reference/{name}.md", content=markdown()))
    for name, schema in SCHEMAS.items():
        text = json.dumps(schema(), indent=2) + "\n"
        files.append(File.generated(config, f"schemas/{name}.json", content=text))
    files.append(File.generated(config, "assets/prices.js", content=calculator.script()))
    for address, script in SCRIPTS.items():
        files.append(File.generated(config, address, content=script.read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """A page of one picture has no contents to list: the picture takes their place."""
    if page.file.src_uri == "state-machine.md":
        page.meta["hide"] = ["toc"]
    return markdown


_WIDE = 2
"""A table with more columns does not fit a phone: there, each row is a list of cells with their headers."""

_TABLE = re.compile(r"<table>\s*<thead>(?P<head>.*?)</thead>(?P<body>.*?)</table>", flags=re.DOTALL)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Each cell of a wide table gets the header of its column, which site.css shows on phones."""
    return _TABLE.sub(_labelled, html)


def _labelled(table: re.Match[str]) -> str:
    headers = [re.sub("<[^>]+>", "", one) for one in re.findall(r"<th\b[^>]*>(.*?)</th>", table["head"])]
    if len(headers) <= _WIDE:
        return table[0]
    cells = re.split(r"<td\b", table["body"])
    names = (headers[place % len(headers)] for place in range(len(cells)))
    body = cells[0] + "".join(
        f'<td data-header="{name}"{cell}' for name, cell in zip(names, cells[1:], strict=False)
    )
    return f"<table data-wide><thead>{table['head']}</thead>{body}</table>"


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001 - MkDocs passes it
    """Scripts from the site itself; Mermaid only on the pages that draw with it."""
    up = "../" * page.url.count("/")
    output = output.replace(_ELSEWHERE, f"{up}{WORKER}")
    if 'class="mermaid"' not in output:
        return output
    return output.replace("</head>", f'<script src="{up}{MERMAID}"></script></head>', 1)


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:  # noqa: ARG001
    """The same for the page of what is not there, which may be asked for from anywhere."""
    return output_content.replace(_ELSEWHERE, f"/{WORKER}")
