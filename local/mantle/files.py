"""The Files API: training files come as multipart forms, and stay until they are deleted."""

from __future__ import annotations

import email.parser
import email.policy
from typing import Any

from local.bedrock.wire import Refusal
from local.mantle.state import File, State, new_id, now, page

PURPOSE = "fine-tune"


class Files:
    """The operations on files."""

    def __init__(self, state: State) -> None:
        self._state = state

    def create(self, body: bytes, content_type: str) -> dict[str, Any]:
        purpose, name, content = _form(body, content_type)
        if purpose != PURPOSE:
            raise Refusal("ValidationException", f"purpose must be {PURPOSE}, not {purpose!r}.")
        about: dict[str, Any] = {
            "id": f"file-{new_id(22)}",
            "object": "file",
            "bytes": len(content),
            "created_at": now(),
            "filename": name,
            "purpose": purpose,
            "status": "processed",
        }
        with self._state.world.lock:
            self._state.files[about["id"]] = File(about, content)
        return about

    def list(self, query: dict[str, Any]) -> dict[str, Any]:
        files = [one.about for one in reversed(self._state.files.values())]
        return page(files, query, most=10_000)

    def get(self, id_: str) -> dict[str, Any]:
        return self.find(id_).about

    def delete(self, id_: str) -> dict[str, Any]:
        self.find(id_)
        with self._state.world.lock:
            del self._state.files[id_]
        return {"id": id_, "object": "file", "deleted": True}

    def find(self, id_: str) -> File:
        try:
            return self._state.files[id_]
        except KeyError:
            raise Refusal("ResourceNotFoundException", f"No such File object: {id_}") from None


def _form(body: bytes, content_type: str) -> tuple[str, str, bytes]:
    """The purpose, the file's name and its content."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    if not message.is_multipart():
        raise Refusal("ValidationException", "The request must be multipart/form-data.")
    fields: dict[str, Any] = {}
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        fields[name] = part
    if "file" not in fields or "purpose" not in fields:
        raise Refusal("ValidationException", "The form must have a file and a purpose.")
    content = fields["file"].get_payload(decode=True)
    purpose = fields["purpose"].get_payload(decode=True).decode().strip()
    return purpose, str(fields["file"].get_filename() or ""), content
