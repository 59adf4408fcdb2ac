"""What is piped into a file or an issue is as wide as its text."""

from __future__ import annotations

import io

from tunedrop.cli import output


def test_a_table_in_a_pipe_has_no_spaces_that_fill_a_line() -> None:
    console = output.Output()
    console.file = io.StringIO()
    made = output.table("run", "status")
    made.add_row("roses", "completed")

    console.print(made)

    assert max(map(len, console.file.getvalue().splitlines())) < 30
