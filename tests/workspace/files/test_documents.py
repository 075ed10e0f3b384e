"""Documents: each file is one text."""

import gzip
import zipfile
from pathlib import Path

import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from taxonaut.state.errors import InputError
from taxonaut.workspace.files.documents.document_files import (
    DocumentFiles,
    find_documents,
    gather_documents,
)
from taxonaut.workspace.files.documents.document_texts import document_text, html_text
from taxonaut.workspace.files.item_files import ItemColumns, open_items
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.files.sources import UNPACKED_VARIABLE

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def write_pdf(path: Path, *pages: str, password: str = "") -> Path:
    """Write a PDF file whose pages show a line each; an empty one shows nothing."""
    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    for text in pages:
        page = writer.add_blank_page(200, 200)
        if text:
            content = DecodedStreamObject()
            content.set_data(f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET".encode())
            page[NameObject("/Resources")] = DictionaryObject(
                {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
            )
            page[NameObject("/Contents")] = writer._add_object(content)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    writer.write(path)
    return path


def write_docx(path: Path, body: str, name: str = "word/document.xml") -> Path:
    """Write a Word file with this XML as its body."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>')
    return path


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_html_is_what_a_reader_sees() -> None:
    markup = (
        "<html><head><title>Shop</title><style>p {color: red}</style></head><body class='garden hose'>"
        "<p>Electric <b>kettle</b>, 1.7&nbsp;l &amp; auto&#45;off</p><script>var garden = '<p>1</p>';</script>"
        "<ul><li>red</li><li>blue</li></ul><!-- hidden --><p>a < b<br/>end"
    )
    assert html_text(markup) == "Shop\n\nElectric kettle, 1.7 l & auto-off\n\nred\n\nblue\n\na < b\nend"
    assert html_text("bread toaster") == "bread toaster"
    assert html_text("<p>one</p><script>never closed <p>two</p>") == "one"


def test_each_format_gives_its_text(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "One.\n\nTwo.\n")
    write(tmp_path / "b.md", "# Kettles\nSee [the shop](https://x.test/kettles) <!-- no -->![jug](j.png)")
    write(tmp_path / "c.html", '<meta charset="iso-8859-1"><p>Caf\xe9</p>'.encode("latin-1"))
    write_pdf(tmp_path / "d.pdf", "A red kettle", "", "and a lamp")
    run = "<w:p><w:r><w:t>Red </w:t><w:t>kettle</w:t></w:r></w:p>"
    cell = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>cell</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    deleted = "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
    write_docx(tmp_path / "e.docx", run + cell + deleted)
    write(tmp_path / "f.txt.gz", gzip.compress(b"packed"))
    read = DocumentFiles(find_documents(tmp_path))
    assert {item.id: item.text for item in read.items()} == {
        "a.txt": "One.\n\nTwo.\n",
        "b.md": "# Kettles\nSee the shop  jug",
        "c.html": "Café",
        "d.pdf": "A red kettle\n\n\n\nand a lamp",
        "e.docx": "Red kettle\ncell\n",
        "f.txt.gz": "packed",
    }
    assert read.problems == {}


def test_one_document_is_a_file_of_one_item(tmp_path: Path) -> None:
    file = open_items(write_pdf(tmp_path / "d.pdf", "A red kettle"))
    assert [(row.item.id, row.item.text) for row in file.rows()] == [("d.pdf", "A red kettle")]
    whole = open_items(write(tmp_path / "a.txt", "One.\n\nTwo.\n"), format="document")
    assert [(row.item.id, row.item.text) for row in whole.rows()] == [("a.txt", "One.\n\nTwo.\n")]


def test_a_folder_is_searched_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "a")
    write(tmp_path / "deep" / "er" / "b.md", "b")
    write(tmp_path / "table.csv", "text\na\n")
    write(tmp_path / ".hidden" / "c.txt", "c")
    write(tmp_path / "deep" / ".d.txt", "d")
    (tmp_path / "deep" / "loop").symlink_to(tmp_path)
    (tmp_path / "broken.txt").symlink_to(tmp_path / "nowhere")
    found = find_documents(tmp_path)
    assert [id_ for id_, _ in found.found] == ["a.txt", "deep/er/b.md"]
    assert found.left_out == ("1 of other formats (.csv)", "2 hidden", "2 links")


def test_a_folder_without_documents_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "table.csv", "text\na\n")
    with pytest.raises(InputError, match=r"has no documents .*; it has 1 of other formats \(.csv\)"):
        find_documents(tmp_path)


def test_files_patterns_and_folders_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "docs/b.md", "docs/deep/c.md", "docs/d.csv", "more/e.html"):
        write(Path(name), "text")
    found = gather_documents(["a.txt", "docs/**/*", "more"])
    assert [id_ for id_, _ in found.found] == ["a.txt", "docs/b.md", "docs/deep/c.md", "more/e.html"]
    assert found.left_out == ("1 of other formats",)
    assert gather_documents(["docs/d.csv"], "document").found == (("d.csv", Path("docs/d.csv")),)
    with pytest.raises(InputError, match=r"no document matches 'docs/\*.pdf'"):
        gather_documents(["docs/*.pdf"])
    with pytest.raises(InputError, match=r"'docs/d\.csv' is no document.* Give a table alone"):
        gather_documents(["a.txt", "docs/d.csv"])
    with pytest.raises(InputError, match=r"'b\.txt' does not exist"):
        gather_documents(["a.txt", "b.txt"])


def test_what_cannot_be_read_is_named_with_the_way_out_and_the_others_go_on(tmp_path: Path) -> None:
    write(tmp_path / "1.txt", "good")
    write(tmp_path / "2.txt", " \n")
    write(tmp_path / "3.txt", "Caf\xe9".encode("latin-1"))
    write_pdf(tmp_path / "4.pdf", "secret", password="open sesame")
    write_pdf(tmp_path / "5.pdf", "", "")
    write(tmp_path / "6.pdf", b"%PDF-1.7 broken")
    write(tmp_path / "7.docx", b"PK no zip")
    write_docx(tmp_path / "8.docx", "", name="other.xml")
    write_docx(tmp_path / "9.docx", "<w:p>")
    write(tmp_path / "a.html", '<meta charset="martian"><p>x')
    read = DocumentFiles(find_documents(tmp_path))
    assert [item.id for item in read.items()] == ["1.txt"]
    ways = {
        "2.txt": "has no text",
        "3.txt": "--encoding cp1252 reads 'Café'",
        "4.pdf": "needs a password. Save a copy without one: qpdf --decrypt",
        "5.pdf": "has 2 pages and no text; if they are scanned, recognize the text first: ocrmypdf",
        "6.pdf": "is no PDF file that can be read",
        "7.docx": "is no Word file that can be read",
        "8.docx": "is no Word file that can be read",
        "9.docx": "is no Word file that can be read",
        "a.html": "says that its encoding is 'martian', which is unknown",
    }
    assert set(read.problems) == set(ways)
    for id_, way in ways.items():
        assert str(tmp_path / id_) in read.problems[id_]
        assert way in read.problems[id_]


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(UNPACKED_VARIABLE, "0.001")
    bomb = write_docx(tmp_path / "bomb.docx", "<w:p><w:r><w:t>" + "a" * 5_000_000 + "</w:t></w:r></w:p>")
    assert bomb.stat().st_size < 20_000
    with pytest.raises(InputError, match=r"bomb.docx holds more than 0.001 GB, unpacked"):
        document_text(bomb)


def test_entities_that_grow_without_end_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "laughs.docx"
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "word/document.xml",
            f'<!DOCTYPE d [<!ENTITY e0 "ha ha ha ha">{entities}]>'
            f'<w:document xmlns:w="{W}"><w:body><w:p><w:r><w:t>&e11;</w:t></w:r></w:p></w:body></w:document>',
        )
    with pytest.raises(InputError, match="is no Word file that can be read"):
        document_text(path)


def test_texts_of_a_table_can_be_html(tmp_path: Path) -> None:
    file = write(tmp_path / "items.csv", 'id,text\n1,"<div class=""garden hose"">bread toaster</div>"\n')
    assert [row.item.text for row in open_items(file, ItemColumns(html=True)).rows()] == ["bread toaster"]
    assert "garden" in next(open_items(file).rows()).item.text


def test_a_document_is_no_table_of_labels(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a document and no table of labels"):
        read_labels(write(tmp_path / "labels.md", "a\nb\n"))
