"""Every row of method, base model and Region that AWS offers today: accepted as a whole, or refused.

The rows are those of `tests.rows`. What is accepted is registered, passes preflight against the embedded
services, is priced or says what has no price, and would be served; what is refused says why, and names what
can be tuned today.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from tests import builders
from tests.rows import ACCEPTED, EVERY_ENGINE, REFUSED, Row, name_of
from tests.unit.fake_bedrock import FakeBedrock
from tests.unit.local_sagemaker import LocalAccount, stage_of
from tunedrop import catalog
from tunedrop.contracts import Dataset, DatasetFile, Estimate, Run
from tunedrop.cost.budgets import judge
from tunedrop.cost.estimate import estimate
from tunedrop.errors import InvalidManifest, PreflightFailed
from tunedrop.evaluation.reinforcement import rollouts
from tunedrop.evaluation.reinforcement.grading import grade
from tunedrop.evaluation.workload import workload
from tunedrop.preflight.checks import Preflighter
from tunedrop.serving import choose
from tunedrop.stage import Stage
from tunedrop.training import engines

GRADED = Path(__file__).parents[3] / "examples" / "graded-answers" / "train.jsonl"


@pytest.fixture
def region(request: pytest.FixtureRequest) -> str:
    row: Row = request.getfixturevalue("row")
    return row.region


def stage_in(region: str) -> Stage:
    """A stage that has every engine, and accepts every licence that a person has to accept."""
    found = stage_of("mantle", region, accept_eula=("meta.llama3-1-8b-instruct",))
    return msgspec.structs.replace(found, engines=EVERY_ENGINE)


def resolved(stage: Stage, row: Row) -> Run:
    engine = {"engine": row.asked_engine} if row.asked_engine else {}
    return builders.resolved(stage, base_model=row.base, method=row.method, **engine)


def looked_at(account: LocalAccount, stage: Stage, run: Run) -> Estimate:
    """Its preflight, then its estimate, as the steps do them."""
    here = account.aws()
    here.iam = FakeBedrock(simulate_principal_policy={"EvaluationResults": [{"EvalDecision": "allowed"}]})
    nothing = {"Quotas": []}
    here.service_quotas = FakeBedrock(list_aws_default_service_quotas=nothing, list_service_quotas=nothing)
    base, data = catalog.find(run.base_model), dataset(account, run)
    Preflighter(here, stage, run, data, base).run()
    way = choose.way(base, run.deployment)
    return judge(estimate(run, data, base, way, workload(data, run, has_champion=False)), stage, 0.0)


def dataset(account: LocalAccount, run: Run) -> Dataset:
    assert run.method != "auto"
    records = [json.loads(line) for line in GRADED.read_text().splitlines()[:4]]
    train = account.put(f"runs/{run.run_id}/dataset/train.jsonl", records)
    rules = catalog.find(run.base_model).methods[run.method]
    return builders.dataset(
        method=run.method,
        target_format=rules.format,
        train=DatasetFile(uri=train, records=600, tokens=200_000),
        validation=DatasetFile(uri=train, records=60, tokens=20_000) if rules.takes_validation else None,
    )


def prepared(account: LocalAccount, stage: Stage) -> None:
    """The stage's own grader, what hands it rollouts, and the files of the one base model under a licence."""
    account.function("tunedrop-test-grade-answers", lambda items: msgspec.to_builtins(grade(items)))
    account.function("tunedrop-test-grade-rollouts", lambda event: rollouts.graded(account, stage, event, 60))
    account.put("bases/llama3-1-8b-instruct/config.json", [])
    account.put("bases/llama3-1-8b-instruct/tokenizer_config.json", [{"chat_template": "{{ messages }}"}])


@pytest.mark.parametrize("row", ACCEPTED, ids=name_of)
def test_what_is_offered_passes_preflight_and_has_an_engine_a_way_to_serve_and_a_price(
    account: LocalAccount, row: Row
) -> None:
    stage = stage_in(row.region)
    prepared(account, stage)

    run = resolved(stage, row)
    base = catalog.find(run.base_model)
    found = looked_at(account, stage, run)

    assert run.method != "auto"
    assert engines.of(base, run.method).name == row.engine
    assert choose.way(base, run.deployment) == row.way
    assert any(line.item.startswith("training") for line in found.lines)
    unpriced = [line for line in found.lines if not line.source]
    why = ("no dated price is known", "the number of hours is not documented")
    assert all(any(one in line.basis for one in why) for line in unpriced)
    assert bool(unpriced) <= bool(found.approval_reasons)


@pytest.mark.parametrize("row", REFUSED, ids=name_of)
def test_what_is_not_offered_is_refused_with_the_reason_and_an_alternative(
    request: pytest.FixtureRequest, row: Row
) -> None:
    stage = stage_in(row.region)
    try:
        run = resolved(stage, row)
    except InvalidManifest as error:
        said = str(error)
    else:
        account: LocalAccount = request.getfixturevalue("account")  # for what is not refused at the drop
        prepared(account, stage)
        with pytest.raises(PreflightFailed) as raised:
            looked_at(account, stage, run)
        said = str(raised.value)

    assert any(one.id in said for one in catalog.tunable()), said
