"""Files at web addresses, from a server in this process; folders of label files."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from taxonaut.state.errors import InputError
from taxonaut.workspace.files.downloads import downloaded
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.files.label_folders import read_label_folder

LABELS = b"id,name,parent\n1,Tools,\n2,Hammers,1\n"


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        where = {
            "/there": "/labels.csv",
            "/round": "/round",
            "/away": "http://192.0.2.1/x.csv",
            "/file": "file:///etc/passwd",
        }
        if self.path in where:
            self.send_response(302)
            self.send_header("Location", where[self.path])
            self.end_headers()
            return
        content = {
            "/labels.csv": LABELS,
            "/labels": LABELS,
            "/api/export?x=1": b'[{"id": "1", "name": "Tools"}]',
            "/page.csv": b"<!DOCTYPE html><html>not found</html>",
            "/large.csv": b"x" * 3000,
            "/short.csv": LABELS,
        }.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", str(len(content or b"") + 100 * (self.path == "/short.csv")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("labels.csv", "labels.csv"),
        ("there", "there.csv"),
        ("labels", "labels.csv"),
        ("api/export?x=1", "export.json"),
    ],
)
def test_a_file_is_what_its_name_or_its_content_says(server: str, page: str, name: str) -> None:
    with downloaded(f"{server}/{page}") as path:
        assert path.name == name
        assert read_labels(path).labels[0].name == "Tools"
    assert not path.exists()


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("none.csv", r"none\.csv cannot be read: the server answers 404 Not Found"),
        ("page.csv", "is a web page, not a file"),
        ("round", "cannot be read: the server answers 302"),
        ("away", r"http://192\.0\.2\.1/x\.csv is not read: give an address with https://"),
        ("file", "is not allowed"),
        ("short.csv", "broke off; run the same command again"),
    ],
)
def test_what_cannot_be_downloaded_is_refused(server: str, page: str, said: str) -> None:
    with pytest.raises(InputError, match=said), downloaded(f"{server}/{page}"):
        raise AssertionError


def test_limits_of_size_and_time(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="takes too long"), downloaded(f"{server}/labels.csv", longest_s=-1):
        raise AssertionError
    monkeypatch.setenv("TAXONAUT_MAX_UNPACKED_GB", "0.000001")
    with (
        pytest.raises(InputError, match=r"large\.csv holds more than 1e-06 GB"),
        downloaded(f"{server}/large.csv"),
    ):
        raise AssertionError


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://example.org/a.csv", "give an address with https://"),
        ("ftp://example.org/a.csv", "give an address with https://"),
        ("https://me:secret@example.org/a.csv", r"the address at example\.org has a user name or password"),
        ("https://[bad/a.csv", "is no address"),
        ("http://127.0.0.1:1/a.csv", "cannot be read: .*Check the address and the network"),
    ],
)
def test_addresses_that_are_not_asked(address: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught, downloaded(address):
        raise AssertionError
    assert "secret" not in str(caught.value)


def test_a_folder_is_one_file_in_parts(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name,parent\n2,Hammers,1\n1,Tools,\n")
    (tmp_path / "b.csv").write_text("id,name,parent\n3,Saws,1\n1,Tools,\n")
    (tmp_path / "readme.md").write_text("# About\n\nWords.\n")
    (tmp_path / ".hidden.csv").write_text("x")
    read = read_label_folder(tmp_path, lambda path: read_labels(path, elsewhere=lambda _: True))
    assert [(row.label.id, row.parents) for row in read.rows] == [("2", ("1",)), ("1", ()), ("3", ("1",))]
    assert read.reading.format == "2 files (a.csv, b.csv)"
    assert read.notes[-1] == "left out: readme.md"
    (tmp_path / "c.csv").write_text("id,name,parent\n9,Nails,8\n")
    with pytest.raises(InputError, match="the parent '8' of '9' is not an id"):
        read_label_folder(tmp_path, lambda path: read_labels(path, elsewhere=lambda _: True))
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="holds no label files"):
        read_label_folder(tmp_path / "none", read_labels)
