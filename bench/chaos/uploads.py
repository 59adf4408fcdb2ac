"""The uploads of chaos: datasets, manifests, folders of shards, litter, objects that nobody can read."""

from __future__ import annotations

import random

import msgspec

from local.driver import Pipeline
from tests.datasets import jsonl, single_turn
from tunedrop import intake

NAMES = ("chaos-a", "chaos-b", "chaos-c", "chaos-d")
SIZES = (120, 360, 360)
"""Records: too few to tell, and enough for a better model."""


class Upload(msgspec.Struct, frozen=True):
    """An upload that has to end in one run: its name and its version; `shards` of the folder that it ends."""

    name: str
    version: str
    shards: int = 0


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
        name = self.random.choice(NAMES)
        return self._put(f"drop/{name}.jsonl", self._records(name))

    def submit(self) -> str:
        """A folder whose manifest asks for what the stage's budget does not have: somebody is asked."""
        name = self.random.choice(NAMES)
        self._pipeline.put(f"runs/{name}/train.jsonl", self._records(name))
        return self._put(f"runs/{name}/run.yaml", b"data: {train: train.jsonl}\nbudget_usd: 0.01\n")

    def folder(self) -> str:
        """Shards, ended by `_SUCCESS`; junk between them."""
        name = f"shards-{self._number()}"
        shards = self._shards(name)
        self._pipeline.put(f"drop/{name}/_committed_17", b"{}")
        version = self._pipeline.put(f"drop/{name}/_SUCCESS", b"")
        self.uploads.append(Upload(name, version, len(shards)))
        return f"uploaded drop/{name}/ of {len(shards)} shards and _SUCCESS"

    def quiet_folder(self) -> str:
        """Shards that nothing ends: the sweep starts them when no more have come for a while."""
        name = f"quiet-{self._number()}"
        shards = self._shards(name)
        self.uploads.append(Upload(name, shards[-1], len(shards)))
        return f"uploaded drop/{name}/ of {len(shards)} shards"

    def litter(self) -> str:
        """Bytes that mean nothing, as a dataset or a manifest."""
        body = self.random.randbytes(self.random.randint(0, 400))
        key = self.random.choice(("drop/{}.jsonl", "runs/{}/run.yaml")).format(f"litter-{self._number()}")
        return self._put(key, body)

    def poison(self) -> str:
        """An object that nobody but its uploader can read."""
        name = f"poison-{self._number()}"
        answer = self._pipeline.aws.s3.put_object(
            Bucket=self._pipeline.stage.intake_bucket,
            Key=f"drop/{name}.jsonl",
            Body=b"{}",
            SSECustomerAlgorithm="AES256",
            SSECustomerKey=bytes(range(32)),
        )
        self.uploads.append(Upload(name, str(answer["VersionId"])))
        return f"poisoned {name}"

    def _put(self, key: str, body: bytes) -> str:
        self.uploads.append(
            Upload(intake.read_key(key, self._pipeline.stage.tenants).name, self._pipeline.put(key, body))
        )
        return f"uploaded {key}, {len(body):,} bytes"

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
