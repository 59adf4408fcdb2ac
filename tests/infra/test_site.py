"""The documentation's site, built: it needs nothing from elsewhere, and shows what the stack may do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from infra.bundling import ROOT

LOADS = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "use": "href"}
"""What a browser fetches by itself; links that a person follows may lead anywhere."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT / "mkdocs.yml", folder)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def build(configuration: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """What `make docs` does. Not `--quiet`, which would silence the warnings before they are counted."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(configuration), "-d", str(folder)],
        cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip


class Loaded(HTMLParser):
    """The addresses that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in LOADS and (tag != "link" or given.get("rel") != "canonical"):
            self.addresses.append(given.get(LOADS[tag]) or "")


def test_links_that_lead_nowhere_fail_the_build(tmp_path: Path) -> None:
    gone = ["gone.md", "#gone", "/gone.md"]
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.md").write_text("# One\n\n" + "\n".join(f"[gone]({one})" for one in gone))
    configuration = tmp_path / "mkdocs.yml"
    configuration.write_text(f"INHERIT: {ROOT / 'mkdocs.yml'}\ndocs_dir: pages\nhooks: []\nnav: [index.md]\n")

    done = build(configuration, tmp_path / "site")

    assert done.returncode == 1
    assert [one for one in gone if f"'{one}'" not in done.stderr] == []
    assert done.stderr.count("WARNING") == len(gone)


def test_make_builds_as_strictly() -> None:
    assert "\tpython -m mkdocs build --strict\n" in (ROOT / "Makefile").read_text()


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    elsewhere = []
    for page in site.rglob("*.html"):
        loaded = Loaded()
        loaded.feed(page.read_text())
        elsewhere += [(page.name, one) for one in loaded.addresses if re.match(r"(https?:)?//", one)]

    assert elsewhere == []


def test_no_stylesheet_loads_anything_from_elsewhere(site: Path) -> None:
    found = {
        address
        for sheet in site.rglob("*.css")
        for address in re.findall(r"(?:@import|url\()\s*['\"]?(https?:[^'\")]+)", sheet.read_text())
    }

    assert found == set()


def test_the_state_machine_is_drawn_by_a_script_of_the_sites_own(site: Path) -> None:
    page = (site / "state-machine.html").read_text()

    assert 'class="mermaid"' in page
    assert '<script src="assets/mermaid.js">' in page
    assert (site / "assets" / "mermaid.js").stat().st_size > 1_000_000


def test_the_permissions_of_every_function_are_shown(site: Path) -> None:
    page = (site / "reference" / "permissions.html").read_text()

    assert page.count("dynamodb:UpdateItem") >= 14
    assert "bedrock:CreateModelCustomizationJob" in page
    assert "111122223333" not in page


def test_the_schemas_are_published(site: Path) -> None:
    assert {one.stem for one in (site / "schemas").glob("*.json")} >= {
        "manifest",
        "event",
        "check",
        "evaluation",
    }


def test_a_wide_table_names_its_columns_in_each_cell_for_phones(site: Path) -> None:
    page = (site / "explanation" / "when-to-tune.html").read_text()

    assert re.search(r'<td data-header="is bad at">\s*facts that change weekly', page)
