"""Tunedrop: drop a dataset into S3, get a fine-tuned Amazon Bedrock model back.

The command line as functions, for notebooks and scripts:

>>> import tunedrop
>>> report = tunedrop.check("train.jsonl")          # doctest: +SKIP
>>> record = tunedrop.submit("runs/support")        # doctest: +SKIP
>>> ending = tunedrop.follow(record)                # doctest: +SKIP
>>> tunedrop.ask("support", "Where is my order?")   # doctest: +SKIP

`tunedrop.evaluate` gives the gate's verdict on a file of answers from any two models. Functions are imported
on first use. Everything else in this package is internal.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tunedrop.evaluation.answers_file import evaluate
    from tunedrop.notebook.calls import Failed, ask, check, convert, estimate, follow, runs, submit

__all__ = ["Failed", "ask", "check", "convert", "estimate", "evaluate", "follow", "runs", "submit"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'tunedrop' has no attribute {name!r}")
    from importlib import import_module

    module = "evaluation.answers_file" if name == "evaluate" else "notebook.calls"
    return getattr(import_module(f"tunedrop.{module}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
