"""The uploads of chaos: datasets, manifests, folders of shards, litter, objects that nobody can read."""

from __future__ import annotations

import random

import msgspec

from local.driver import Pipeline
from tests.datasets import jsonl, single_turn
from tunedrop import intake
from tunedrop.stage import Stage

NAMES = ("chaos-a", "chaos-b", "chaos-c", "chaos-d")
TENANTS = ("law", "sales")
"""Of a stage that has tenants: each upload is one tenant's."""
SIZES = (120, 360, 360)
"""Records: too few to tell, and enough for a better model."""


class Upload(msgspec.Struct, frozen=True):
    """An upload that has to end in one run: its name and its version; `shards` of the folder that it ends.

    `trespasses`: the run may not read its data, and trains nothing.
    """

    name: str
    version: str
    shards: int = 0
    trespasses: bool = False


def named(name: str, stage: Stage, rolls: random.Random) -> str:
    """A name as a tenant's runs have it, where the stage has tenants."""
    return f"{rolls.choice(sorted(stage.tenants))}/{name}" if stage.tenants else name


class Uploads:
    """Each method uploads one thing, by the choices of `random`, and says what.

    `uploads` has what has to end in a run.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self.random = random.Random()
        self.uploads: list[Upload] = []

    def drop(self) -> str:
        """A dataset of any size: some tell a better model, some too little."""
        name = self._named(self.random.choice(NAMES))
        return self._put(f"drop/{name}.jsonl", self._records(name))

    def submit(self) -> str:
        """A folder whose manifest asks for what the stage's budget does not have: somebody is asked."""
        name = self._named(self.random.choice(NAMES))
        self._pipeline.put(f"runs/{name}/train.jsonl", self._records(name))
        return self._put(f"runs/{name}/run.yaml", b"data: {train: train.jsonl}\nbudget_usd: 0.01\n")

    def folder(self) -> str:
        """Shards, ended by `_SUCCESS`; junk between them."""
        name = self._named(f"shards-{self._number()}")
        shards = self._shards(name)
        self._pipeline.put(f"drop/{name}/_committed_17", b"{}")
        version = self._pipeline.put(f"drop/{name}/_SUCCESS", b"")
        self.uploads.append(Upload(name, version, len(shards)))
        return f"uploaded drop/{name}/ of {len(shards)} shards and _SUCCESS"

    def quiet_folder(self) -> str:
        """Shards that nothing ends: the sweep starts them when no more have come for a while."""
        name = self._named(f"quiet-{self._number()}")
        shards = self._shards(name)
        self.uploads.append(Upload(name, shards[-1], len(shards)))
        return f"uploaded drop/{name}/ of {len(shards)} shards"

    def litter(self) -> str:
        """Bytes that mean nothing, as a dataset or a manifest."""
        body = self.random.randbytes(self.random.randint(0, 400))
        key = self.random.choice(("drop/{}.jsonl", "runs/{}/run.yaml")).format(
            self._named(f"litter-{self._number()}")
        )
        return self._put(key, body)

    def poison(self) -> str:
        """An object that nobody but its uploader can read."""
        name = self._named(f"poison-{self._number()}")
        answer = self._pipeline.aws.s3.put_object(
            Bucket=self._pipeline.stage.intake_bucket,
            Key=f"drop/{name}.jsonl",
            Body=b"{}",
            SSECustomerAlgorithm="AES256",
            SSECustomerKey=bytes(range(32)),
        )
        self.uploads.append(Upload(name, str(answer["VersionId"])))
        return f"poisoned {name}"

    def trespass(self) -> str:
        """What may not be read: data of nobody's, or of another tenant, or an upload outside all tenants."""
        stage = self._pipeline.stage
        mine, *others = self.random.sample(sorted(stage.tenants), len(stage.tenants)) or [""]
        if others and self.random.random() < 0.5:
            return self._put(
                f"drop/stranger-{self._number()}.jsonl", self._records(NAMES[0]), trespasses=True
            )
        theirs = f"{stage.intake_bucket}/runs/{others[0]}" if others else "elsewhere"
        folder = "/".join(filter(None, ("runs", mine, f"trespass-{self._number()}")))
        body = f"data: {{train: 's3://{theirs}/chaos-a/train.jsonl'}}\n".encode()
        return self._put(f"{folder}/run.yaml", body, trespasses=True)

    def _put(self, key: str, body: bytes, *, trespasses: bool = False) -> str:
        name = intake.read_key(key, self._pipeline.stage.tenants).name
        self.uploads.append(Upload(name, self._pipeline.put(key, body), trespasses=trespasses))
        return f"uploaded {key}, {len(body):,} bytes"

    def _named(self, name: str) -> str:
        return named(name, self._pipeline.stage, self.random)

    def _shards(self, folder: str) -> list[str]:
        """Upload a dataset in two to five files, one of them perhaps unreadable; returns their versions."""
        lines = self._records(self.random.choice(NAMES)).splitlines(keepends=True)
        many = self.random.randint(2, 5)
        bodies = [b"".join(lines[number::many]) for number in range(many)]
        if self.random.random() < 0.2:
            bodies[self.random.randrange(many)] = self.random.randbytes(300)
        return [
            self._pipeline.put(f"drop/{folder}/part-{number:05}.jsonl", body)
            for number, body in enumerate(bodies)
        ]

    def _records(self, name: str) -> bytes:
        return jsonl(self.random.sample(single_turn(name), self.random.choice(SIZES)))

    def _number(self) -> int:
        return self.random.randint(0, 999_999)
