"""The index page of all runs, and the comparison page. Both open offline."""

STYLES = ("report/report.css", "pages/pages.css")
