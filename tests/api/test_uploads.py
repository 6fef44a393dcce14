"""One file a request, known by what it is and not by what it is called."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from server.api.uploads import TYPES
from server.applications import uploads
from server.applications.filetypes import MAX_FILE
from server.applications.intake import BY_PLACE, BY_SENDER
from server.applications.scanner import SandboxScanner
from server.people.limits import Limit, seconds_to_wait
from server.store import tables as t
from server.store.database import Reading, Writing
from tests.api.conftest import PDF, PNG, Program
from tests.conftest import Clock
from tests.files import papers
from tests.files.pictures import HEIC, JPEG, flood


def sent(api: Program, content: bytes, content_type: str = "application/pdf", **headers: str) -> Any:
    return api.http.post("/uploads", content=content, headers={"content-type": content_type, **headers})


def kept(api: Program) -> list[uploads.Upload]:
    """Every file there is."""

    def work(db: Reading) -> list[uploads.Upload]:
        rows = db.all(select(t.upload.c.owner_kind, t.upload.c.owner_id).distinct())
        return [each for row in rows for each in uploads.of(db, api.of.keys, row.owner_kind, row.owner_id)]

    found: list[uploads.Upload] = api.run(work)
    return found


@pytest.mark.parametrize(
    ("content", "kind"),
    [(PDF, "application/pdf"), (PNG, "image/png"), (JPEG, "image/jpeg"), (HEIC, "image/jpeg")],
    ids=["pdf", "png", "jpeg", "heic"],
)
@pytest.mark.parametrize("content_type", ["application/pdf", "application/octet-stream", "text/html", ""])
def test_a_file_is_what_it_is_whatever_is_said_of_it(
    api: Program, content: bytes, kind: str, content_type: str
) -> None:
    response = sent(api, content, content_type)
    assert response.status_code == 200
    assert set(response.json()) == {"upload"}
    (file,) = kept(api)
    assert (file.id, file.media_type, file.scan) == (response.json()["upload"], kind, "clean")
    assert kind in TYPES


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b"", "application/pdf", 400, "EMPTY_FILE"),
        (b"<svg onload=alert(1)>", "image/svg+xml", 415, "UNSUPPORTED_FILE"),
        (b"GIF89a%PDF-1.4", "application/pdf", 415, "UNSUPPORTED_FILE"),
        (b"PK\x03\x04", "application/zip", 415, "UNSUPPORTED_FILE"),
        (b" %PDF-1.4", "application/pdf", 415, "UNSUPPORTED_FILE"),
        (PDF, "multipart/form-data; boundary=x", 415, "UNSUPPORTED_FILE"),
        (PDF, "application/x-www-form-urlencoded", 415, "UNSUPPORTED_FILE"),
        (PDF + bytes(MAX_FILE), "application/pdf", 413, "TOO_LARGE"),
        (flood(), "image/png", 413, "TOO_LARGE"),
        (PNG[:-30], "image/png", 422, "UNFIT_FILE"),
        (papers.paper(papers.runs_on_opening), "application/pdf", 422, "UNFIT_FILE"),
        (papers.carries(SandboxScanner.EICAR), "application/pdf", 422, "INFECTED_FILE"),
    ],
    ids=[
        *("empty", "svg", "gif", "zip", "blank first", "multipart", "urlencoded", "large"),
        *("flood", "cut off", "script", "virus"),
    ],
)
def test_what_is_no_file_of_ours_is_refused(
    api: Program, content: bytes, content_type: str, status: int, code: str
) -> None:
    response = sent(api, content, content_type)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.json()["error"]["message"].endswith("。")
    assert [file for file in kept(api) if file.scan != uploads.INFECTED] == []


def test_the_largest_file_is_taken(api: Program) -> None:
    assert sent(api, PDF + bytes(MAX_FILE - len(PDF))).status_code == 200


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="a.pdf"', "a.pdf"),
        ("attachment; filename*=UTF-8''%E5%A7%94%E4%BB%BB%E7%8A%B6.pdf", "委任状.pdf"),
        ('attachment; filename="../../etc/passwd"', "passwd.pdf"),
        ('attachment; filename="C:\\\\a\\\\b.pdf"', "b.pdf"),
        ('attachment; filename="a\\"b.pdf"', 'a"b.pdf'),
        ("attachment; filename*=UTF-8''a%00%E2%80%AEb", "ab.pdf"),
        ("attachment; filename*=nonsense''%FF", "file.pdf"),
        ("attachment; filename=" + "x" * 500, "x" * 100 + ".pdf"),
        ('attachment; filename="letter.html"', "letter.html.pdf"),
        ('attachment; filename="photo.JPG"', "photo.pdf"),
        ('attachment; filename="R8.11.20 letter.PDF"', "R8.11.20 letter.PDF"),
        ("attachment", "file.pdf"),
        ("", "file.pdf"),
        ("filename*;filename*0", "file.pdf"),
    ],
)
def test_a_name_may_come_along_and_is_only_a_name(api: Program, disposition: str, name: str) -> None:
    assert sent(api, PDF, **{"content-disposition": disposition}).status_code == 200
    (file,) = kept(api)
    assert file.name == name


def test_the_content_lies_sealed(api: Program) -> None:
    sent(api, PDF)
    (path,) = (each for each in api.of.settings.data_dir.glob("blobs/*/*") if each.is_file())
    assert PDF not in path.read_bytes()


def test_a_session_may_hand_in_so_many_files_ahead(api: Program) -> None:
    api.open_session()
    for _ in range(uploads.MAX_FILES):
        assert sent(api, PDF).status_code == 200
    assert sent(api, PDF).json()["error"]["code"] == "TOO_MANY_FILES"
    assert len(kept(api)) == uploads.MAX_FILES


@pytest.mark.parametrize("limit", [BY_PLACE, BY_SENDER], ids=["place", "session"])
def test_nobody_fills_the_disk(api: Program, clock: Clock, limit: Limit) -> None:
    clock.now = clock.now.replace(minute=0)
    api.open_session()
    who = "testclient" if limit is BY_PLACE else api.run(lambda db: db.scalar(select(t.session.c.id)))

    def handed_in_before(db: Writing) -> None:
        for _ in range(limit.most - 1):
            assert seconds_to_wait(db, api.of.keys, limit, who, now=clock()) == 0

    api.run(handed_in_before)
    assert sent(api, PNG).status_code == 200
    response = sent(api, PNG)
    assert (response.status_code, response.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert int(response.headers["retry-after"]) == 3600
    clock.advance(hours=1)
    assert sent(api, PNG).status_code == 200


def test_another_site_cannot_hand_a_file_in(api: Program) -> None:
    assert sent(api, PDF, **{"sec-fetch-site": "cross-site"}).status_code == 403
    assert api.run(lambda db: db.scalar(select(func.count()).select_from(t.upload))) == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_files_are_only_handed_in(api: Program, method: str) -> None:
    response = api.http.request(method, "/uploads")
    assert (response.status_code, set(response.json())) == (405, {"error"})
