"""Pages beside a run's report: the index of all runs, and the comparison of some. Each opens offline."""

STYLES = ("report/report.css", "pages/pages.css")
