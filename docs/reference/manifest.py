"""The manifest, key by key, from the structs that read it."""

from __future__ import annotations

from docs.reference.tables import fields, page, shape
from tunedrop import manifest
from tunedrop.schemas import structs_in

_HEAD = """The manifest that submits a run is `run.yaml` (YAML 1.2: `1e-5` is a number and `no` is text),
`run.yml` or `run.json`, at most 64 kB. Upload it last, next to its data. An unknown key is an error that
names the closest known one. Every error has a line number, and all errors are reported at once."""

_EDITORS = """## In your editor

The [JSON Schema of the manifest](../schemas/manifest.json) completes and checks it while you type.
`tunedrop schema manifest` prints it. For the YAML language server (VS Code, Neovim, …), save it next to
the manifest and start the manifest with:

```yaml
# yaml-language-server: $schema=manifest.schema.json
```

"""


def markdown() -> str:
    """The manifest's own keys, then a section for each group of them."""
    return page(
        "# Manifest",
        _HEAD,
        fields(manifest.Manifest),
        *(shape(one) for one in structs_in(manifest.Manifest)),
        _EDITORS,
    )
