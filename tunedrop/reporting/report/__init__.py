"""The HTML report of a run: one file that opens offline, verdict first."""

from tunedrop.reporting.report._page import Material, render, render_answers

__all__ = ["Material", "render", "render_answers"]
