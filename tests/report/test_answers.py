"""Another program's answers are read from plain text in many forms."""

from pathlib import Path

import pytest

from mnistnet.errors import DataError
from mnistnet.report.evaluation import read_answers


@pytest.mark.parametrize(
    "content",
    [
        b"7\n2\n1\n",
        b"\xef\xbb\xbf7\r\n2\r\n1\r\n\r\n",
        b"ImageId,Label\n1,7\n2,2\n3,1\n",
        b'"id";"digit"\n"a";"7"\n"b";"2"\n"c";"1"\n',
        b"7.000000000000000000e+00\n2.0\n 1 \n",
        b"test:0 7\ntest:1\t2\ntest:2  1\n",
        "digit\n7\n2\n1\n".encode("utf-16"),
    ],
)
def test_the_last_column_is_the_answer_if_it_has_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "answers.txt"
    path.write_bytes(content)
    assert read_answers(path, 3).tolist() == [7, 2, 1]
    path.write_text("picture,digit\ntest:0,7\ntest:1,\n")
    assert read_answers(path, 2).tolist() == [7, 10]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"7\n2\n", "expected an answer for each of the 3 images; found 2"),
        (b"7\n10\n1\n", "expected a digit at the end of line 2; found '10'"),
        (b"7\nnan\n1\n", "expected a digit at the end of line 2; found 'nan'"),
        (b"label\n7\n\xff\n1\n", "expected a digit at the end of line 3; found '\ufffd'"),
        (b"x" * (1 << 24) + b",1", "expected an answer for each of the 3 images; found 0"),
    ],
)
def test_any_other_content_is_an_error(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "answers.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as raised:
        read_answers(path, 3)
    assert str(raised.value) == f"{path}: {message}"
    with pytest.raises(DataError, match=r"^none\.csv: No such file or directory$"):
        read_answers(Path("none.csv"), 3)
