from __future__ import annotations

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tunedrop.intake import (
    SIGNALS,
    Signal,
    Upload,
    drop_root,
    dropped_folder,
    read_key,
    read_signal,
    signal_key,
)


@pytest.mark.parametrize(
    ("key", "upload"),
    [
        ("drop/support.jsonl", Upload("dataset", "support")),
        ("drop/team a/support v1.2.jsonl", Upload("shard", "team a")),
        ("drop/support", Upload("dataset", "support")),
        ("drop/", Upload("dataset", "unnamed")),
        ("runs//run.yaml", Upload("manifest", "unnamed")),
        ("drop/Gru\u0308\u00dfe\u202e.jsonl", Upload("dataset", "Gr\u00fc\u00dfe\\u202e")),
        ("runs/persona/run.yaml", Upload("manifest", "persona")),
        ("runs/persona/run.json", Upload("manifest", "persona")),
        ("runs/persona/train.jsonl", Upload("other")),
        ("runs/run.yaml", Upload("other")),
        ("runs/persona-1/approve/1-ab", Upload("approve", "persona-1", "1-ab")),
        ("runs/persona-1/stop/1", Upload("stop", "persona-1", "1")),
        ("elsewhere/run.yaml", Upload("other")),
        # Who may write only what approves and stops runs, such as the function behind the chat buttons.
        ("runs/persona/approve/run.yaml", Upload("other")),
        ("runs/team/persona/approve/new/run.yaml", Upload("other")),
        ("runs/persona/stop/new/run.json", Upload("other")),
        ("runs/approve/run.yaml", Upload("manifest", "approve")),
    ],
)
def test_a_key_says_what_was_uploaded(key: str, upload: Upload) -> None:
    assert read_key(key, ()) == upload


@pytest.mark.parametrize(
    "name",
    [
        "license-plates.jsonl", "licenses.csv", "license.jsonl", "License agreements.parquet", "readmes",
        "configuration.csv", "config.jsonl", "configs.json", "manifests.jsonl", "manifesto.txt",
        "manifest.jsonl", "noticeboard.csv", "requirements.csv", "requirements-engineering.jsonl",
        "readme-questions.jsonl", "changelogs.csv", "dataset_information.json", "state.jsonl",
        "statements.json", "running.yaml.jsonl", "desktop.initial.csv", "license-plates",
    ],
)  # fmt: skip
def test_a_dataset_is_none_the_less_one_for_a_name_that_begins_like_documentation(name: str) -> None:
    assert read_key(f"drop/{name}", ()).kind == "dataset"
    assert read_key(f"drop/garden/{name}", ()).kind == "shard"


@pytest.mark.parametrize(
    "name",
    [
        "README", "README.txt", "README_zh-CN.md", "README.ja", "LICENSE", "LICENCE.txt", "LICENSE-MIT",
        "LICENSE-APACHE", "LICENSE-Apache-2.0.txt", "LICENSE-CC-BY-SA-4.0", "LICENSE_CODE", "NOTICE",
        "CHANGELOG.md", "requirements.txt", "requirements-dev.txt", "config.json", "config.yaml",
        "setup.cfg", "manifest.json", "MANIFEST", "dataset_info.json", "dataset_infos.json",
        "dataset_dict.json", "state.json", "run.json", ".gitattributes",
        "_committed_17", "~$letter.xlsx", "Thumbs.db", "desktop.ini", "part-0.csv.crc",
    ],
)  # fmt: skip
def test_what_lies_beside_datasets_in_other_peoples_repositories_is_none(name: str) -> None:
    assert read_key(f"drop/garden/{name}", ()).kind == "other"


TENANTS = ("law", "law-2", "runs")


@pytest.mark.parametrize(
    ("key", "upload"),
    [
        ("drop/law/cases.jsonl", Upload("dataset", "law/cases")),
        ("drop/law/cases", Upload("dataset", "law/cases")),
        ("drop/law/handbook.md", Upload("dataset", "law/handbook")),
        ("drop/law/README.md", Upload("other")),
        ("drop/law/_SUCCESS", Upload("other")),
        ("drop/law/ .jsonl", Upload("dataset", "law/unnamed")),
        ("drop/law/2026/part-0.csv", Upload("shard", "law/2026")),
        ("drop/law/2026/spring/part-0.csv", Upload("shard", "law/2026")),
        ("drop/law/2026/_SUCCESS", Upload("folder", "law/2026")),
        ("drop/law/law/_SUCCESS", Upload("folder", "law/law")),
        ("drop/law", Upload("dataset", "law")),
        ("drop/law.jsonl", Upload("dataset", "law")),
        ("drop/LAW/cases.jsonl", Upload("shard", "LAW")),
        ("drop/laws/cases.jsonl", Upload("shard", "laws")),
        ("runs/law/bot/run.yaml", Upload("manifest", "law/bot")),
        ("runs/law-1/approve/1-ab", Upload("approve", "law-1", "1-ab")),
        ("law/cases.jsonl", Upload("other")),
    ],
)
def test_below_the_name_of_a_tenant_a_key_means_what_it_means_below_drop(key: str, upload: Upload) -> None:
    assert read_key(key, TENANTS) == upload


PATHS = st.one_of(
    st.text(max_size=250),
    st.lists(
        st.sampled_from(["law", "a", "a.jsonl", "README.md", "b.md", "_SUCCESS", "", " ", "u\u0308.csv"]),
        max_size=4,
    ).map("/".join),
)  # fmt: skip


@given(PATHS, st.sampled_from(TENANTS))
def test_every_tenant_has_a_drop_of_its_own(path: str, tenant: str) -> None:
    alone, shared = f"drop/{path}", f"drop/{tenant}/{path}"
    mine, theirs = read_key(alone, ()), read_key(shared, TENANTS)

    assert theirs == msgspec.structs.replace(mine, name=mine.name and f"{tenant}/{mine.name}")
    assert drop_root(shared, TENANTS) == f"drop/{tenant}/"
    assert dropped_folder(shared, TENANTS) == dropped_folder(alone, ()).replace("drop/", f"drop/{tenant}/", 1)


@given(PATHS, st.sampled_from(["drop/", "runs/", "", "drop/laws/", "drop/Law/", "runs/law/"]))
@example("law", "drop/")
def test_tenants_change_nothing_about_other_keys(path: str, root: str) -> None:
    key = root + path
    if not any(key.startswith(f"drop/{tenant}/") for tenant in TENANTS):
        assert read_key(key, TENANTS) == read_key(key, ())


NAMES = st.text("abcäß客-_ .", min_size=1).filter(
    lambda name: name == name.strip() and not name.startswith((".", "_"))
)


@given(NAMES, st.sampled_from(("", *TENANTS)))
def test_a_name_is_read_from_each_key_that_is_made_of_it(name: str, tenant: str) -> None:
    whole = f"{tenant}/{name}" if tenant else name
    keys = (
        f"drop/{whole}.jsonl",
        f"drop/{whole}/0.jsonl",
        f"drop/{whole}/_SUCCESS",
        f"runs/{whole}/run.yaml",
    )

    assert {read_key(key, TENANTS).name for key in keys} == {whole}


@given(st.text(min_size=1).filter(lambda text: "/" not in text), st.sampled_from(SIGNALS))
def test_a_signal_is_read_from_the_key_that_is_made_of_it(run_id: str, signal: Signal) -> None:
    key = signal_key(run_id, signal, "1-ab")

    assert read_signal(key) == read_key(key, TENANTS) == Upload(signal, run_id, "1-ab")


def test_a_manifest_is_no_signal() -> None:
    assert read_signal("runs/a/retry/run.yaml") == Upload("other")
    assert read_key("runs/retry/run.yaml", ()) == Upload("manifest", "retry")
