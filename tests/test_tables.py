"""Excel workbooks as tables: the first sheet, cells as text, hostile files refused in one line."""

import sys
from datetime import date, datetime
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hostile_files import cells, workbook

from classifier.codebook import codebook_from_text
from classifier.corpus import read_corpus
from classifier.documents import documents
from classifier.errors import InputError
from classifier.limits import Limits
from classifier.tables import numbered_rows, table_rows

openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")

BOOK = 'name: d\nversion: "1"\ncodes:\n  - {code: up, name: 上}\n  - {code: down, name: 下}\n'


@pytest.fixture
def sheet(tmp_path):
    """Write rows as the first sheet of a workbook, with a second one beside it."""

    def write(*rows, name="表.xlsx"):
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.create_sheet("别的").append(["不读"])
        book.save(tmp_path / name)
        return tmp_path / name

    return write


def test_cells_are_text_and_whole_numbers_have_no_point(sheet):
    path = sheet(
        ["text", "n", "day", "none"], ["修路", 3.0, date(2019, 10, 17), None], ["打井", 2.5, True, 0]
    )
    first, second = table_rows(path)
    assert first == {"text": "修路", "n": "3", "day": datetime(2019, 10, 17).isoformat(), "none": ""}
    assert second == {"text": "打井", "n": "2.5", "day": "True", "none": "0"}


def test_empty_rows_and_columns_without_a_name_are_left_out(sheet):
    path = sheet(["text", "codes", None], ["修路", "up", None], [None, None, None], ["打井"])
    assert list(table_rows(path)) == [{"text": "修路", "codes": "up"}, {"text": "打井", "codes": ""}]


def test_titles_above_the_header_are_passed_over(sheet):
    """Offices write the name of a table above it; read as the header it would cost all columns but one."""
    path = sheet([None], ["石磨沟县2019年文章汇总表"], ["单位：篇"], ["标题", "正文"], ["修路", "路通了。"])
    assert list(table_rows(path)) == [{"标题": "修路", "正文": "路通了。"}]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([["正文"], ["修路", "旁注"]], id="a short name"),
        pytest.param([["full text of it"], ["修路", "旁注"]], id="a name in letters"),
        pytest.param([["工作总结的正文"], ["修路" * 20, "旁注"]], id="a text too long for a name"),
        pytest.param([["工作总结的正文"], ["修路", "修路"]], id="names that are the same"),
    ],
)
def test_a_single_column_has_its_header_in_the_first_row(rows, sheet):
    assert list(table_rows(sheet(*rows))) == [{rows[0][0]: rows[1][0]}]


def test_what_is_known_of_a_row_may_stand_in_columns_with_chinese_names(sheet):
    path = sheet(["标题", "发布日期", "来源", "正文"], ["修路", "2019-10-17", "县报", "村里修好了水泥路。"])
    (document,) = documents([path])
    assert (document.title, document.date, document.source) == ("修路", "2019-10-17", "县报")
    assert document.meta == {"标题": "修路", "发布日期": "2019-10-17", "来源": "县报"}  # nothing is renamed


def test_a_labelled_workbook_is_a_corpus_and_documents(sheet):
    path = sheet(["id", "text", "codes"], ["甲", "路通到了山上。", "up"], ["乙", "水引到了山下。", "down"])
    corpus = read_corpus([path], codebook_from_text(BOOK, "d.yaml"))
    assert corpus.labels.tolist() == [[True, False], [False, True]]
    assert [(d.id, d.text) for d in documents([path])] == [("甲", "路通到了山上。"), ("乙", "水引到了山下。")]


def test_a_doubled_column_is_an_error_that_names_it(sheet):
    with pytest.raises(InputError, match="column 'text' stands twice in the header"):
        list(table_rows(sheet(["text", "text"], ["甲", "乙"])))


def test_rows_above_the_header_of_a_csv_file_are_told(tmp_path):
    (tmp_path / "a.csv").write_text("汇总表,,\n标题,正文,来源\n", encoding="utf-8")
    with pytest.raises(InputError, match="column '' stands twice in the header") as error:
        list(table_rows(tmp_path / "a.csv"))
    assert error.value.hint == "give each column its own name, and delete rows above the header"


@pytest.mark.parametrize(
    "data", [b"", b"no workbook", b"PK\x03\x04 cut off"], ids=["empty", "text", "cut off"]
)
def test_what_is_no_workbook_is_refused_with_a_hint(tmp_path, data):
    path = tmp_path / "坏.xlsx"
    path.write_bytes(data)
    with pytest.raises(InputError, match="no Excel workbook") as error:
        list(table_rows(path))
    assert error.value.hint


def test_an_archive_without_a_sheet_is_refused(tmp_path):
    path = tmp_path / "空.xlsx"
    with ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "一")
    with pytest.raises(InputError, match="no Excel workbook"):
        list(table_rows(path))


def test_a_workbook_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "大.xlsx"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", "<a/>" * 300_000)
    with pytest.raises(InputError, match=r"unpacks to more than 1 MB"):
        list(numbered_rows(path, limits=Limits(unpacked_mb=1)))


def test_without_openpyxl_one_line_says_how_to_get_it(sheet, monkeypatch):
    path = sheet(["text"], ["修路"])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(InputError, match="needs openpyxl") as error:
        list(table_rows(path))
    assert "fupin-classifier[files]" in error.value.hint


@pytest.mark.parametrize("second", [1, 2], ids=["backwards", "doubled"])
def test_rows_that_openpyxl_would_pass_over_are_told(tmp_path, second):
    path = tmp_path / "乱.xlsx"
    rows = cells(1, "text") + cells(2, "村里修路。") + cells(second, "医生上门。")
    path.write_bytes(workbook(f"<sheetData>{rows}</sheetData>"))
    with pytest.raises(InputError, match=rf"no Excel workbook \(row {second} comes after row 2\)"):
        list(table_rows(path))
