"""A local run to submit: a folder with a manifest, or one file."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from tunedrop import intake, manifest
from tunedrop.cli.exits import NO, USAGE
from tunedrop.cli.output import fail
from tunedrop.dataset.sources.attachments import named_beside
from tunedrop.dataset.sources.opening import DataFiles, open_files
from tunedrop.dataset.types import ReadOptions, Split
from tunedrop.errors import InvalidManifest
from tunedrop.intake.file_names import in_order, of_data
from tunedrop.manifest import Data, Manifest, is_pattern

SPLITS: tuple[Split, ...] = ("train", "validation", "test")


_IN_A_FOLDER = "Put them into a folder with a manifest, and submit the folder: tunedrop init DIR"


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """A run before it is uploaded. `manifest` is None for a single data file.

    `earlier` are the files of its earlier training phases; `prefix` is where its files go in the intake
    bucket, of a stage with these `tenants`.
    """

    prefix: str
    document: Manifest
    files: DataFiles
    manifest: Path | None
    earlier: tuple[DataFiles, ...] = ()
    tenants: tuple[str, ...] = ()

    @property
    def starts(self) -> Path:
        """The file whose upload starts the run."""
        return self.manifest or self.files["train"][0]

    @property
    def name(self) -> str:
        """The name that register_run will give the run."""
        upload = intake.read_key(self.key(self.starts), self.tenants)
        return upload.name or intake.name_of(self.starts.stem)

    @property
    def paths(self) -> list[Path]:
        """All its data files, each once."""
        parts = (*self.earlier, self.files)
        return list(dict.fromkeys(path for files in parts for paths in files.values() for path in paths))

    def key(self, path: Path) -> str:
        """The key of one of its files in the intake bucket."""
        below = posixpath.normpath(path.relative_to(self.starts.parent).as_posix())
        return f"{self.prefix}{below}"

    @property
    def media(self) -> dict[str, Path]:
        """Images and videos that records name by path, by their key in the intake bucket."""
        found: dict[str, Path] = {}
        for path in self.paths:
            with open_files({"train": [path]}, self.document.data.reading) as opened:
                names = list(named_beside(opened["train"].source))
            if names and self.manifest is None:
                fail(f"{path.name} refers to {names[0]} next to it", USAGE, _IN_A_FOLDER)
            found |= {self.key(beside): beside for beside in (path.parent / name for name in names)}
        return found

    @property
    def elsewhere(self) -> list[str]:
        """Data files that are already in S3 and cannot be checked on this machine."""
        parts = (*(stage.data for stage in self.document.stages), self.document.data)
        named = (name for data in parts for split in SPLITS for name in data.of(split))
        return [name for name in named if name.startswith("s3://")]


def read(path: Path, reading: ReadOptions | None = None) -> Submission:
    """The submission at a path, whose files are read according to the options; fails if there is none."""
    found = _read(path)
    if reading is None:
        return found
    data = found.document.data
    data = msgspec.structs.replace(
        data, encoding=reading.encoding or data.encoding, columns=reading.columns or data.columns
    )
    return msgspec.structs.replace(found, document=msgspec.structs.replace(found.document, data=data))


def _read(path: Path) -> Submission:
    if path.is_dir():
        return _folder(path)
    if path.is_file() and path.name not in intake.MANIFEST_NAMES:
        document = Manifest(data=Data(train=path.name))
        return Submission(
            prefix=intake.DROP_PREFIX, document=document, files={"train": [path]}, manifest=None
        )
    if path.is_file():
        return fail(f"{path} is a manifest", USAGE, f"Name its folder: {path.resolve().parent}")
    return fail(f"there is no {path}", USAGE, "Start with: tunedrop init DIR")


def to_stage(submission: Submission, tenant: str, tenants: Collection[str]) -> Submission:
    """The submission as it is uploaded: below the name of its tenant, if the stage has tenants.

    Fails if the stage does not have this tenant, or if the upload would not start a run.
    """
    if intake.read_key(submission.key(submission.starts), ()).kind == "other":
        fail(
            f"{submission.starts.name} would not start a run: its name is one of documentation or settings",
            USAGE,
            "Rename the file",
        )
    if tenant and not tenants:
        fail("the stage has no tenants", USAGE, "Leave --tenant out")
    if tenants and tenant not in tenants:
        said = f"{tenant} is not a tenant of the stage" if tenant else "the stage has tenants"
        fail(said, USAGE, f"Say whose run it is: {' or '.join(f'--tenant {one}' for one in tenants)}")
    if not tenant:
        return submission
    root, _, below = submission.prefix.partition("/")
    return msgspec.structs.replace(submission, prefix=f"{root}/{tenant}/{below}", tenants=tuple(tenants))


def _folder(folder: Path) -> Submission:
    paths = [folder / name for name in intake.MANIFEST_NAMES if (folder / name).is_file()]
    if len(paths) != 1:
        found = "it has none" if not paths else f"it has {', '.join(path.name for path in paths)}"
        fail(
            f"{folder} needs exactly one of {', '.join(intake.MANIFEST_NAMES)}; {found}",
            USAGE,
            _data_inside(folder) or "Create one with: tunedrop init DIR",
        )
    try:
        document = manifest.read(paths[0].read_bytes(), paths[0].name)
    except InvalidManifest as error:
        fail(str(error), NO)
    return Submission(
        prefix=f"{intake.RUNS_PREFIX}{folder.resolve().name}/",
        document=document,
        files=_files(folder, document.data),
        manifest=paths[0],
        earlier=tuple(_files(folder, stage.data) for stage in document.stages),
    )


def _data_inside(folder: Path) -> str:
    """Names the subfolder with the data, as in a clone of a Hugging Face dataset; empty if there is no such
    one."""
    if data_files(folder):
        return ""
    inside = [one for one in folder.iterdir() if one.is_dir() and data_files(one)]
    return f"Its data files are in a subfolder: tunedrop check {inside[0]}" if len(inside) == 1 else ""


def _files(folder: Path, data: Data) -> DataFiles:
    return {split: found for split in SPLITS if (found := _named(folder, split, data.of(split)))}


def _named(folder: Path, split: Split, names: Sequence[str]) -> list[Path]:
    """The files that a manifest names; matches of a pattern in the order of the numbers in their names."""
    found: list[Path] = []
    for name in names:
        if name.startswith("s3://"):
            continue
        if _leaves(name):
            fail(f"data.{split}: {name} is not in the manifest's folder; name a file in {folder}", USAGE)
        paths = in_order(folder.glob(name)) if is_pattern(name) else [folder / name]
        if not paths or not paths[0].is_file():
            fail(f"data.{split}: there is no file {folder / name}", USAGE)
        found += paths
    return list(dict.fromkeys(found))


def _leaves(name: str) -> bool:
    """Whether a name leads out of the manifest's folder; register_run refuses it too, once uploaded."""
    inside = posixpath.normpath(name.replace("\\", "/"))
    return inside.startswith(("/", "../")) or inside == ".." or Path(name).is_absolute()


def data_files(folder: Path) -> list[Path]:
    """The files in a folder that may be data, in the order of the numbers in their names."""
    return in_order(of_data(path for path in folder.iterdir() if path.is_file()))
