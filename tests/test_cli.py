"""The commands, run as a user would: what is on stdout, what on stderr, and the exit code."""

import functools
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from program import NOTE, QUICK, assert_fails, program, run, written

from mnistnet import __version__, cli
from mnistnet.cli import options
from mnistnet.cli.readings import read_picture
from mnistnet.cli.samples import Samples
from mnistnet.data import download, idx, mnist, synthetic
from mnistnet.errors import PictureError
from mnistnet.model import gradcheck, weights
from mnistnet.model.metadata import Metadata, Source
from mnistnet.model.network import Buffers, Network, backpropagate
from mnistnet.model.options import Options


@pytest.fixture
def trained(tiny: Path, tmp_path: Path) -> Path:
    """The tiny set, with mnistnet.npz trained on it in the current folder."""
    assert run(*QUICK, "--data", tiny).exit_code == 0
    return tiny


# ---- download


@pytest.fixture
def mirror(server, published) -> str:
    server.answers.update(published)
    return server.url


def test_download_tells_where_each_file_came_from(mirror: str) -> None:
    cache = download.cache_folder()
    result = run("download", "--mirror", mirror)
    assert result.stdout == (
        f"train-images-idx3-ubyte  {mirror}\n"
        f"train-labels-idx1-ubyte  {mirror}\n"
        f"t10k-images-idx3-ubyte   {mirror}\n"
        f"t10k-labels-idx1-ubyte   {mirror}\n"
        f"in {cache}\n"
    )
    assert result.stderr == f"Downloading MNIST to {cache}\n"
    again = run("download")
    assert (again.stdout.count("here\n"), again.stderr, again.exit_code) == (4, "", 0)


def test_download_check_verifies_and_exits_0_or_1(mirror: str, tmp_path: Path) -> None:
    run("download", "--mirror", mirror, "--data", tmp_path / "a")
    result = run("download", "--check", "--data", tmp_path / "a")
    assert (result.stdout.count("verified\n"), result.stderr, result.exit_code) == (4, "", 0)

    (tmp_path / "a" / "t10k-labels-idx1-ubyte").write_bytes(b"")
    result = run("download", "--check", "--data", tmp_path / "a")
    assert result.stdout == (
        "train-images-idx3-ubyte  verified\n"
        "train-labels-idx1-ubyte  verified\n"
        "t10k-images-idx3-ubyte   verified\n"
        f"t10k-labels-idx1-ubyte   {tmp_path / 'a' / 't10k-labels-idx1-ubyte'}: "
        "expected an IDX file, found an empty file\n"
    )
    assert result.stderr == (f"Error: {tmp_path / 'a'} does not hold MNIST, whole and unaltered\n")
    assert result.exit_code == 1


def test_mirrors_and_data_may_come_from_the_environment(
    published, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spaced = tiny.rename(tmp_path / "a mirror")
    monkeypatch.setenv("MNISTNET_MIRROR", str(spaced))
    monkeypatch.setenv("MNISTNET_DATA", str(tmp_path / "data"))
    result = run("download")
    assert result.stdout.count(str(spaced)) == 4
    assert len(list((tmp_path / "data").iterdir())) == 4


def test_commands_download_what_is_missing_and_say_so(mirror: str) -> None:
    cache = download.cache_folder()
    result = run(*QUICK, "--mirror", mirror)
    assert result.stderr.startswith(f"Downloading MNIST to {cache}\nepoch   1/4  train loss ")
    assert run("eval").stderr == "weights mnistnet.npz; test images are MNIST's own\n"


def test_no_mirror_is_one_error(server, tmp_path: Path) -> None:
    result = run("download", "--mirror", server.url)
    cache = download.cache_folder()
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"Downloading MNIST to {cache}\n"
        "Error: no mirror provided train-images-idx3-ubyte:\n"
        f"  {server.url}: 404 Not Found\n"
        "Try again later, name another mirror with --mirror (a URL, or a folder with the four "
        "files), or draw digits instead: mnistnet download --synthetic\n"
    )


def test_a_mirror_of_the_users_is_asked_before_the_built_in_ones(
    mirror: str, server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist, "MIRRORS", (f"{server.url}/builtin",))
    assert "/builtin" not in run("download", "--mirror", mirror).stdout
    assert not [hit for hit in server.hits if "/builtin" in hit]
    empty = run("download", "--mirror", "")
    assert empty.exit_code == 2
    assert empty.stderr.endswith(": an empty one is none\n")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_the_bar_is_on_a_terminals_stderr_and_counts_to_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        with options.progress() as (_, advance):
            advance(600, 1000)
            advance(-100, 1000)
            advance(500, 1000)
        assert ("MNIST: 100%" in stream.getvalue()) == shown


def test_training_on_a_terminal_leaves_a_line_for_each_epoch_above_the_bar(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    words = [*QUICK, "--data", str(tiny)]
    cli.main(words, standalone_mode=False)
    lines = [line.split("\r")[-1] for line in stream.getvalue().splitlines()]
    assert re.fullmatch(
        r"epoch 4/4 \|[#█]+\| loss \d\.\d{4}, validation [\d.]+ %, [\d,]+ images/s, "
        r"00:00 left",
        lines[-1].strip(),
    )
    kept = [line[:16] for line in lines if line.startswith("epoch   ")]
    assert kept == [f"epoch   {n}/4  tra" for n in range(1, 5)]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """download --synthetic draws 60 + 20 digits for this test."""
    monkeypatch.setattr(synthetic, "write", functools.partial(synthetic.write, counts=(60, 20)))


def test_download_synthetic_draws_into_a_folder_of_its_own_in_the_cache(few) -> None:
    folder = download.cache_folder() / "drawn"
    result = run("download", "--synthetic")
    assert result.stdout == (
        "train-images-idx3-ubyte  drawn\n"
        "train-labels-idx1-ubyte  drawn\n"
        "t10k-images-idx3-ubyte   drawn\n"
        "t10k-labels-idx1-ubyte   drawn\n"
        f"in {folder}\n"
    )
    assert result.stderr == ""
    assert len(mnist.load(folder, "train").labels) == 60
    assert run("download", "--synthetic").stdout.count("here, drawn before\n") == 4


def test_every_command_calls_drawn_digits_drawn_and_never_mnist(few, tmp_path: Path) -> None:
    run("download", "--synthetic", "--data", tmp_path / "drawn")
    quick = ("train", "--hidden", 8, "--epochs", 2, "--batch-size", 10, "--validation", 20)
    result = run(*quick, "--data", tmp_path / "drawn")
    assert result.stderr.startswith("training on drawn digits, not MNIST\nepoch   1/2")
    assert " % on drawn digits after 2 epochs in " in result.stdout
    trained_on = weights.load_all(Path("mnistnet.npz")).meta["data"]
    assert (trained_on["published"], trained_on["drawn"]) == (False, True)
    closing = run(*quick, "--data", tmp_path / "drawn", "--json").stdout.splitlines()[-1]
    assert json.loads(closing).items() >= {"published": False, "drawn": True}.items()

    whence = "weights mnistnet.npz, trained on drawn digits, not MNIST"
    result = run("eval", "--data", tmp_path / "drawn")
    assert result.stderr == f"{whence}; test images are drawn digits, not MNIST\n"
    assert " of 20 drawn test images\n" in result.stdout
    result = run("eval", "--data", tmp_path / "drawn", "--json")
    assert json.loads(result.stdout).items() >= {"published": False, "drawn": True}.items()
    result = run("predict", "test:1", "--data", tmp_path / "drawn", "--weights", weights.PRETRAINED)
    assert result.stderr == "test images are drawn digits, not MNIST\n"
    assert "drawn images\n" in run("gradcheck", "--data", tmp_path / "drawn").stderr
    assert run("plot", "weights", "--weights", "mnistnet.npz").stderr == f"{whence}\n"
    Path("seven.png").write_bytes(drawn(7))
    for more in ((), ("--weights", "mnistnet.npz")):
        assert run("predict", "seven.png", *more).stderr == f"{whence}\n"
    assert "\ntrained on            drawn digits, not MNIST; 20 training" in run("info").stdout


def test_download_synthetic_leaves_other_sets_alone_and_checks_nothing(tiny: Path) -> None:
    assert_fails(
        run("download", "--synthetic", "--data", tiny),
        f"expected no files but drawn digits in {tiny}; found train-images-idx3-ubyte; name "
        "another folder with --data",
    )
    result = run("download", "--synthetic", "--check")
    assert result.exit_code == 2
    assert "--check verifies MNIST" in result.stderr


# ---- train


def without_seconds(text: str) -> list[str]:
    return [line.rsplit("  ", 1)[0] for line in text.splitlines()]


def test_train_reports_each_epoch_and_writes_the_weights(tiny: Path) -> None:
    result = run(*QUICK, "--data", tiny, "--weights", "net.npz")
    network, _, _, meta = weights.load_all(Path("net.npz"))
    assert network.layers == (784, 8, 10)
    assert without_seconds(result.stderr.removeprefix(NOTE)) == [
        f"epoch   {row['epoch']}/4  train loss {row['train_loss']:.4f}  "
        f"validation accuracy {100 * row['validation_accuracy']:.2f} %"
        for row in meta["history"]
    ]
    start, end = result.stdout.split(" after 4 epochs in ")
    assert start == f"validation accuracy {100 * meta['validation_accuracy']:.2f} %"
    assert end.endswith(" s; weights in net.npz\n")
    sha256 = mnist.load(tiny, "train").sha256
    data = {"sha256": sha256, "published": False, "drawn": False, "name": "tiny"}
    assert meta["data"] == data
    assert meta["options"]["batch_size"] == 10


def test_train_json_is_one_object_an_epoch_and_one_at_the_end(tiny: Path) -> None:
    result = run(*QUICK, "--data", tiny, "--json")
    assert result.stderr == NOTE
    *epochs, closing = map(json.loads, result.stdout.splitlines())
    history = weights.load_all(Path("mnistnet.npz")).meta["history"]
    assert epochs == history
    assert closing == {
        "weights": "mnistnet.npz",
        "validation_accuracy": history[-1]["validation_accuracy"],
        "epochs": 4,
        "seconds": pytest.approx(sum(epoch["seconds"] for epoch in epochs)),
        "parameters": 784 * 8 + 8 * 10,
        "published": False,
        "drawn": False,
    }


def test_train_without_validation_has_no_validation_figures(tiny: Path) -> None:
    result = run(*QUICK[:-1], "0", "--data", tiny, "--json")
    for line in map(json.loads, result.stdout.splitlines()):
        assert line["validation_accuracy"] is None
    result = run(*QUICK[:-1], "0", "--data", tiny)
    assert result.stdout.startswith("validation accuracy - after 4 epochs in ")


def test_the_same_seed_writes_the_same_bytes(tiny: Path) -> None:
    results = []
    for seed in (0, 0, 1):
        run(*QUICK, "--data", tiny, "--seed", seed)
        results.append(written(Path("mnistnet.npz")))
    assert results[0] == results[1] != results[2]


def test_train_draws_digits_to_train_on_besides(tiny: Path) -> None:
    run(*QUICK, "--data", tiny, "--weights", "plain.npz")
    result = run(*QUICK, "--data", tiny, "--drawn", 20, "--epochs", 2, "--resume")
    network, _, _, meta = weights.load_all(Path("mnistnet.npz"))
    assert (meta["options"]["drawn"], result.exit_code) == (20, 0)
    assert meta["data"]["sha256"] == mnist.load(tiny, "train").sha256
    assert not np.array_equal(network.parameters, weights.load(Path("plain.npz"))[0].parameters)
    assert run("eval", "--split", "validation", "--data", tiny).exit_code == 0


def test_train_never_looks_at_the_test_set(tiny: Path) -> None:
    for file in tiny.glob("t10k*"):
        file.unlink()
    assert run(*QUICK, "--data", tiny).exit_code == 0


def test_train_takes_several_hidden_layers(tiny: Path) -> None:
    assert run(*QUICK, "--hidden", "6", "--data", tiny).exit_code == 0
    assert weights.load(Path("mnistnet.npz"))[0].layers == (784, 8, 6, 10)


# ---- eval


def mislabel(folder: Path, changes: dict[int, int]) -> None:
    """Give test images of the folder other labels."""
    path = folder / "t10k-labels-idx1-ubyte"
    content = bytearray(path.read_bytes())
    for index, label in changes.items():
        content[8 + index] = label
    path.write_bytes(content)


def test_eval_prints_the_figures_the_table_and_the_confusions_in_words(tiny: Path) -> None:
    mislabel(tiny, {13: 5, 23: 5, 4: 9})  # images 13 and 23 show a 3, image 4 a 4
    result = run("eval", "--data", tiny)
    assert result.stderr == "weights that ship with mnistnet; test images are not MNIST's own\n"
    figures, table, confusions = result.stdout.split("\n\n")
    accuracy, errors, loss, unsure = figures.splitlines()
    assert accuracy == "accuracy  94.00 %   (95 % interval 83.78 % to 97.94 %)"
    assert errors == "errors    3 of 50 test images"
    assert re.fullmatch(r"loss      0\.\d{4}", loss)
    assert unsure == "unsure    0 of the answers; accuracy of the others 94.00 %"
    head, digits, *rows = table.splitlines()
    assert head == "digit images   read as" + " " * 42 + "recall precision"
    assert digits.split() == list("0123456789")
    assert (
        rows[3]
        == "    3      3    .    .    .    3    .    .    .    .    .    . 100.0 %    60.0 %"
    )
    assert (
        rows[5]
        == "    5      7    .    .    .    2    .    5    .    .    .    .  71.4 %   100.0 %"
    )
    assert [len(row) for row in rows] == [80] * 10
    assert confusions == (
        "most frequent confusions\n"
        "5 read as 3  2 times, 28.6 % of the 5s\n"
        "9 read as 4  once, 16.7 % of the 9s\n"
    )


def test_eval_has_no_confusions_where_there_are_none(tiny: Path) -> None:
    assert "confusions" not in run("eval", "--data", tiny, "--mistakes", 3).stdout


def test_eval_draws_the_surest_mistakes_beside_each_other(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mislabel(tiny, {13: 5, 23: 5, 4: 9})
    for columns, across in (("20", 1), ("80", 2), ("90", 3)):
        monkeypatch.setenv("COLUMNS", columns)
        result = run("eval", "--data", tiny, "--mistakes", 3)
        drawn = result.stdout.split("\nsurest mistakes\n\n")[1]
        captions = re.findall(r"test:(\d+) is (\d), read as (\d)", drawn)
        assert sorted(captions) == [("13", "5", "3"), ("23", "5", "3"), ("4", "9", "4")]
        assert len(re.findall(r"test:", drawn.splitlines()[0])) == across
        assert max(map(len, drawn.splitlines())) <= 30 * across - 2
        blocks = (np.array(list(drawn)) == "█").sum()
        assert blocks > 60
    assert len(re.findall("test:", run("eval", "--data", tiny, "--mistakes", 2).stdout)) == 2


def test_eval_on_mnists_own_test_images_sets_label_errors_aside_and_tells_the_halves(
    published, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if 4 were a known label error among 50 images of MNIST, 25 in each half."""
    mislabel(tiny, {13: 5, 23: 5, 4: 9})
    labels = idx.read_idx(tiny / "t10k-labels-idx1-ubyte")
    files = [
        file._replace(sha256=idx.sha256(labels)) if file.name.startswith("t10k-l") else file
        for file in mnist.FILES
    ]
    monkeypatch.setattr(mnist, "FILES", tuple(files))
    monkeypatch.setattr(mnist, "LABEL_ERRORS", {4: 4})
    result = run("eval", "--data", tiny, "--mistakes", 3)
    assert "MNIST's own" in result.stderr
    assert result.stdout.splitlines()[3:6] == [
        "  without label errors   95.92 %",
        "  first half             88.00 %",
        "  second half           100.00 %",
    ]
    assert result.stdout.count("%, label error") == 1
    facts = json.loads(run("eval", "--data", tiny, "--json").stdout)
    assert facts["parts"] == {
        "without_label_errors": pytest.approx(47 / 49),
        "first_half": pytest.approx(22 / 25),
        "second_half": 1,
    }


def test_the_known_label_errors_are_15_of_the_real_test_images(real_mnist: Path) -> None:
    data = mnist.load(real_mnist, "test")
    assert len(data.label_errors) == 15
    assert [data.labels[947], data.label_errors[947]] == [8, 9]
    assert all(data.labels[index] != right for index, right in data.label_errors.items())
    assert mnist.load(real_mnist, "train").label_errors == {}


def test_eval_json_has_the_promised_names(trained: Path) -> None:
    result = run("eval", "--data", trained, "--json", "--split", "validation")
    assert result.stderr == ""
    facts = json.loads(result.stdout)
    assert facts["count"] == 50
    assert (facts["split"], facts["published"]) == ("validation", False)
    assert facts["weights"] == "mnistnet.npz"
    assert facts["accuracy"] == weights.load_all(Path("mnistnet.npz")).meta["validation_accuracy"]
    assert (
        json.loads(run("eval", "--data", trained, "--json", "--split", "train").stdout)["count"]
        == 250
    )


def test_without_weights_those_that_ship_are_read_and_a_line_says_so(tiny: Path) -> None:
    result = run("eval", "--data", tiny)
    assert result.stderr == "weights that ship with mnistnet; test images are not MNIST's own\n"
    result = run("predict", "test:0", "--data", tiny)
    assert (result.stderr, result.exit_code) == ("weights that ship with mnistnet\n", 0)
    assert run("predict", "test:0", "--data", tiny, "--weights", weights.PRETRAINED).stderr == ""


def test_weights_that_are_not_there_are_one_error(tiny: Path) -> None:
    for command in (("eval", "--data", tiny), ("predict", "test:0")):
        assert_fails(
            run(*command, "--weights", "none.npz"),
            "there is no weights file none.npz; run 'mnistnet train' to make one, or name "
            "another with --weights",
        )


def test_eval_does_not_take_other_images_for_those_held_out(trained: Path) -> None:
    labels = trained / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\0")
    assert run("eval", "--data", trained).exit_code == 0
    assert_fails(
        run("eval", "--data", trained, "--split", "validation"),
        "expected the images that this network was trained on, found others; name their folder "
        "with --data, or use --split test instead of validation",
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_result_that_cannot_be_written_is_one_error(
    trained: Path, monkeypatch: pytest.MonkeyPatch, unbuffered: str
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    for words in (["eval", "--data", trained], ["--version"]):
        with Path("/dev/full").open("wb") as full:
            command = [sys.executable, "-m", "mnistnet", *map(str, words)]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
        message = b"Error: cannot write the result: No space left on device"
        assert (done.stderr.splitlines()[-1], done.returncode) == (message, 1)
        assert b"Traceback" not in done.stderr


# ---- predict


def drawn(digit: int) -> bytes:
    """A PNG of 0, 1 or 7, as a mouse would draw it."""
    picture = Image.new("RGB", (400, 300), "white")
    pen = ImageDraw.Draw(picture)
    if digit == 0:
        pen.ellipse([150, 60, 260, 240], outline="navy", width=20)
    else:
        pen.line(
            {1: [(190, 60), (180, 240)], 7: [(120, 70), (230, 70), (170, 240)]}[digit], "navy", 20
        )
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("digit", [0, 1, 7])
def test_the_weights_that_ship_read_a_drawn_digit(digit: int) -> None:
    Path("digit.png").write_bytes(drawn(digit))
    result = run("predict", "digit.png", "--top", 2)
    assert re.fullmatch(
        rf"digit\.png  {digit}  +\d+\.\d %  then \d \d+\.\d %, \d \d+\.\d %\n", result.stdout
    )
    assert result.exit_code == 0
    assert re.fullmatch(rf"digit\.png  {digit}  +\d+\.\d %\n", run("predict", "digit.png").stdout)


def number() -> Image.Image:
    """A 7, a 0 and a 1 beside each other."""
    picture = Image.new("RGB", (1200, 300))
    for place, digit in enumerate((7, 0, 1)):
        picture.paste(Image.open(io.BytesIO(drawn(digit))), (400 * place, 0))
    return picture


def test_predict_reads_a_number() -> None:
    number().save("number.png")
    assert run("predict", "number.png").stdout.startswith("number.png  701  ")
    said = run("predict", "--show", "number.png").stdout
    assert len(said.splitlines()) == 1 + 3 * 15
    answer = json.loads(run("predict", "--json", "number.png").stdout)
    assert (answer["digit"], answer["number"], answer["unsure"]) == (None, "701", False)
    assert answer["probabilities"] is answer["scores"] is answer["reason"] is None
    assert [digit["digit"] for digit in answer["digits"]] == [7, 0, 1]
    assert answer["digits"][1]["box"] == pytest.approx([550, 60, 661, 241], abs=6)
    assert answer["probability"] == pytest.approx(
        np.prod([digit["probability"] for digit in answer["digits"]])
    )


def test_predict_says_that_a_picture_shows_no_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnistnet.model.answer.NO_DIGIT", 99)  # whatever the weights
    Path("scribble.png").write_bytes(drawn(1))
    result = run("predict", "scribble.png")
    assert re.fullmatch(r"scribble\.png  - +no digit\n", result.stdout)
    assert result.exit_code == 0
    answer = json.loads(run("predict", "--json", "scribble.png").stdout)
    assert (answer["digit"], answer["digits"], answer["unsure"]) == (None, [], True)
    assert answer["reason"] == "no digit"
    assert len(run("predict", "--show", "scribble.png").stdout.splitlines()) == 16


def test_predict_reads_standard_input() -> None:
    assert run("predict", "-", stdin=drawn(1)).stdout.startswith("-  1  ")


def test_predict_answers_images_of_the_data_set(tiny: Path) -> None:
    result = run("predict", "test:7", "train:12", "--data", tiny)
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [
        ["test:7", "7"],
        ["train:12", "2"],
    ]
    assert result.stderr == "weights that ship with mnistnet\n"


def test_predict_show_draws_what_the_network_saw_beside_the_probabilities(tiny: Path) -> None:
    result = run("predict", "--show", "test:3", "--data", tiny)
    answer, *lines = result.stdout.splitlines()
    assert answer.startswith("test:3  3  ")
    assert len(lines) == 15
    ink = mnist.load(tiny, "test").images[3].reshape(14, 2, 28) > 127
    expected = [
        "".join(" ▀▄█"[up + 2 * down] for up, down in zip(*pair, strict=True)) for pair in ink
    ]
    assert [line[:28].rstrip() for line in lines[:14]] == [line.rstrip() for line in expected]
    assert re.fullmatch(r"   3  █+ +\d+\.\d %", lines[5][28:])
    assert [line[31:32] for line in lines[2:12]] == list("0123456789")


def test_predict_show_does_without_blocks_where_they_cannot_be_printed(tiny: Path) -> None:
    command = [sys.executable, "-m", "mnistnet", "predict", "--show", "test:3"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "MNISTNET_DATA": str(tiny)}
    result = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert b"::::" in result.stdout


def test_predict_json_has_the_promised_names() -> None:
    Path("seven.png").write_bytes(drawn(7))
    result = run("predict", "--json", "seven.png", "none.png")
    answer, error = map(json.loads, result.stdout.splitlines())
    assert result.exit_code == 1
    assert error == {"picture": "none.png", "error": "cannot read it: No such file or directory"}
    assert (answer["picture"], answer["digit"], answer["inverted"]) == ("seven.png", 7, True)
    assert len(answer["scores"]) == 10
    assert sum(answer["probabilities"]) == pytest.approx(1)
    assert answer["probability"] == max(answer["probabilities"]) == answer["probabilities"][7]
    assert answer["unsure"] is False
    assert set(answer) == {
        "picture",
        "digit",
        "probability",
        "probabilities",
        "scores",
        "inverted",
        "unsure",
        "reason",
        "number",
        "digits",
    }
    assert set(answer["digits"][0]) == {
        "digit",
        "probability",
        "probabilities",
        "unsure",
        "reason",
        "box",
    }


def test_a_picture_that_cannot_be_read_costs_one_line_and_the_others_are_answered(
    trained: Path,
) -> None:
    Path("one.png").write_bytes(drawn(1))
    Path("text.png").write_bytes(b"three")
    Image.new("L", (90, 90), 200).save("blank.png")
    Path("empty").mkdir()
    names = [
        "none.png",
        "text.png",
        "blank.png",
        "empty",
        "test:x",
        "test:50",
        "test:-1",
        "one.png",
    ]
    result = run("predict", *names, "--data", trained, "--weights", weights.PRETRAINED)
    assert result.stderr == (
        "Error: none.png: cannot read it: No such file or directory\n"
        "Error: text.png: expected a picture: PNG, JPEG, GIF, BMP, TIFF, WebP, AVIF, HEIC or PPM; "
        "found another format\n"
        "Error: blank.png: found no digit: nothing stands out from the background\n"
        "Error: empty: expected a picture or a folder of pictures; found a folder without "
        "pictures\n"
        "Error: test:x: expected test: and a number from 0 to 49\n"
        "Error: test:50: expected test: and a number from 0 to 49\n"
        "Error: test:-1: expected test: and a number from 0 to 49\n"
    )
    assert result.stdout.startswith("one.png  1  ")
    assert result.exit_code == 1


def test_mirrors_are_asked_once_not_once_a_picture(trained: Path, server) -> None:
    names = ["test:0", "test:1", "train:9"]
    result = run("predict", *names, "--mirror", server.url)
    assert server.hits == ["/train-images-idx3-ubyte.gz"] * 2  # for test, and for train
    assert result.stderr.count("Error: test:") == 2
    assert result.exit_code == 1


def test_a_number_of_any_length_is_one_error(trained: Path) -> None:
    name = "test:" + "9" * 5000
    result = run("predict", name, "--data", trained, "--weights", "mnistnet.npz")
    assert result.stderr == f"Error: {name}: expected test: and a number from 0 to 49\n"


def test_a_closed_standard_input_is_one_error(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    samples = Samples(trained, (), Metadata(Options(), Source()))
    error = read_picture("-", samples)
    assert isinstance(error, PictureError)
    assert str(error) == "standard input is closed"


# ---- gradcheck


def test_gradcheck_compares_three_ways_on_a_fresh_or_a_trained_network(trained: Path) -> None:
    Path("mnistnet.npz").rename("net.npz")
    fresh = run("gradcheck", "--data", trained)
    assert fresh.stderr == "a fresh network, 784-72-10; 100 images\n"
    names = [line[:44].rstrip() for line in fresh.stdout.splitlines()]
    assert names == [
        "backpropagation against",
        "automatic differentiation, 57,168 weights",
        "finite differences, 1,000 weights",
    ]
    named = run("gradcheck", "--data", trained, "--weights", "net.npz")
    assert named.stderr == "net.npz, 784-8-10; 100 images\n"
    Path("net.npz").rename("mnistnet.npz")
    assert run("gradcheck", "--data", trained).stderr == "mnistnet.npz, 784-8-10; 100 images\n"
    assert fresh.exit_code == named.exit_code == 0


def test_gradcheck_json_has_the_promised_names_and_a_wrong_gradient_exits_1(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run("gradcheck", "--data", trained, "--json")
    facts = json.loads(result.stdout)
    assert facts["backprop_vs_autodiff"] < 1e-10
    assert facts["backprop_vs_finite_differences"] < 1e-6
    assert (facts["parameters"], facts["ok"]) == (784 * 8 + 8 * 10, True)
    assert len(facts) == 4
    assert result.stderr == ""

    def wrong(network: Network, x: np.ndarray, labels: np.ndarray, buffers: Buffers) -> object:
        result = backpropagate(network, x, labels, buffers)
        buffers.gradient *= 1.001
        return result

    monkeypatch.setattr(gradcheck, "backpropagate", wrong)
    result = run("gradcheck", "--data", trained, "--json")
    assert json.loads(result.stdout)["ok"] is False
    assert result.stderr == "Error: backpropagation does not compute the gradient of the loss\n"
    assert result.exit_code == 1


# ---- the program


# ---- info


def test_info_tells_a_networks_story_in_a_dozen_lines(trained: Path) -> None:
    result = run("info")
    assert result.stderr == "weights mnistnet.npz\n"
    meta = weights.load_all(Path("mnistnet.npz")).meta
    last = meta["history"][-1]
    facts = dict(line.split("   ", 1) for line in result.stdout.splitlines() if line[0] != " ")
    facts = {name: " ".join(text.split()) for name, text in facts.items()}
    assert facts["weights"] == f"mnistnet.npz, {Path('mnistnet.npz').stat().st_size:,} bytes"
    assert facts["network"] == "784-8-10, tanh hidden units, identity scores, no biases"
    assert facts["trained on"].startswith("tiny, not MNIST's own; 50 training images")
    assert facts["train loss"] == f"{last['train_loss']:.4f}"
    assert facts["validation accuracy"] == f"{100 * last['validation_accuracy']:.2f} %"
    assert facts["seed"] == "0"
    assert facts["epochs"].startswith("4 in 0.")
    assert facts["made with"] == f"mnistnet {__version__}, numpy {np.__version__}"
    everything = " ".join(result.stdout.split())
    assert meta["options"].pop("start") == ""
    assert facts["started from"] == "random weights"
    for name, value in meta["options"].items():
        assert f"{name.replace('_', ' ')} {value}" in everything
    assert meta["data"]["sha256"]["images"] in everything
    assert max(map(len, result.stdout.splitlines())) <= 80 + len("images ")


def test_info_tells_of_drawn_digits_that_were_trained_on_besides() -> None:
    stdout = run("info", "--weights", weights.PRETRAINED).stdout
    words = " ".join(stdout.split())
    assert "MNIST and 16000 drawn digits; 5,000 training images held out" in words


def test_info_json_is_the_metadata(trained: Path) -> None:
    result = run("info", "--json")
    assert result.stderr == ""
    meta = weights.load_all(Path("mnistnet.npz")).meta
    assert json.loads(result.stdout) == {"weights": "mnistnet.npz"} | meta
    assert run("info", "--weights", weights.PRETRAINED).stderr == ""


@pytest.mark.parametrize(
    "change",
    [
        {"history": ()},
        {"versions": {"\x1b[2J": "\x07"}},
        {"data": Source({"\x1b]0;": "\n"})},
    ],
)
def test_info_of_a_file_from_elsewhere_prints_no_control_characters(
    trained: Path, change: dict[str, Any]
) -> None:
    network, metadata = weights.load(Path("mnistnet.npz"))
    weights.save(Path("other.npz"), network, replace(metadata, **change))
    result = run("info", "--weights", "other.npz")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert len(result.stdout.splitlines()) < 25


# ---- plot


@pytest.mark.parametrize("what", ["weights", "units", "history", "confusion", "mistakes"])
def test_plot_writes_a_picture_named_after_it_and_prints_its_path(what: str, tiny: Path) -> None:
    result = run("plot", what, "--data", tiny)
    assert result.stdout == f"{what}.png\n"
    assert result.stderr == "weights that ship with mnistnet\n"
    with Image.open(f"{what}.png") as picture:
        assert picture.format == "PNG"
        assert 900 <= picture.width <= 1000 or what == "confusion"
    again = run("plot", what, "--data", tiny, "--out", "b.PNG", "--weights", weights.PRETRAINED)
    assert (again.stdout, again.stderr) == ("b.PNG\n", "")
    assert Path("b.PNG").read_bytes() == Path(f"{what}.png").read_bytes()


def test_plot_needs_data_only_for_what_shows_images() -> None:
    for what in ("weights", "history"):
        assert run("plot", what).exit_code == 0
    assert "no mirror provided t" in run("plot", "units").stderr


def test_plot_refuses_what_it_cannot_write_before_it_works(tmp_path: Path) -> None:
    for out in ("a.gif", "png", "a"):
        result = run("plot", "weights", "--out", out)
        assert result.exit_code == 2
        assert result.stderr.endswith(
            f"expected a name that ends in .png, .svg or .pdf; found {out}\n"
        )
    assert_fails(
        run("plot", "weights", "--out", "none/a.png"),
        f"cannot write {Path('none/a.png')}: there is no folder {tmp_path / 'none'}",
    )


def test_plot_without_matplotlib_is_one_line_that_says_how_to_install_it() -> None:
    program = "import sys; sys.modules['matplotlib'] = None; from mnistnet.cli import main; main()"
    command = [sys.executable, "-c", program, "plot", "weights"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.stdout, result.returncode) == ("", 1)
    assert result.stderr == (
        "Error: plot needs matplotlib; to install it: python -m pip install matplotlib\n"
    )


def test_plot_goes_by_its_own_settings_and_not_by_the_users(tmp_path: Path) -> None:
    Path("matplotlibrc").write_text("figure.facecolor: red\nimage.origin: lower\naxes.grid: True\n")
    assert program("plot", "history", "--out", "a.png").exit_code == 0
    Path("matplotlibrc").unlink()
    assert program("plot", "history", "--out", "b.png").exit_code == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    result = program("plot", "history", MPLBACKEND="foo")
    assert result.stderr.startswith("Error: plot cannot load matplotlib: ")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)


def test_what_stdout_cannot_encode_is_escaped(trained: Path) -> None:
    network, metadata = weights.load(Path("mnistnet.npz"))
    changed = replace(metadata, versions={"numpy": "\u6570"})
    weights.save(Path("other.npz"), network, changed)
    result = program("info", "--weights", "other.npz", PYTHONIOENCODING="latin-1")
    assert (result.stderr, result.exit_code) == ("", 0)
    assert "\\u6570" in result.stdout


def test_info_json_is_json_and_names_the_file_that_was_read(trained: Path) -> None:
    network, metadata = weights.load(Path("mnistnet.npz"))
    weights.save(Path("other.npz"), network, metadata, weights="EVIL")
    facts = json.loads(run("info", "--json", "--weights", "other.npz").stdout)
    assert facts["weights"] == "other.npz"


def test_plot_history_of_a_file_without_its_figures_is_one_error(trained: Path) -> None:
    network, metadata = weights.load(Path("mnistnet.npz"))
    weights.save(Path("other.npz"), network, replace(metadata, history=()))
    assert_fails(
        run("plot", "history", "--weights", "other.npz"),
        "other.npz: expected the figures of each epoch; found none",
    )


@pytest.mark.parametrize("name", [None, *cli.main.commands])
def test_every_command_and_option_is_explained(name: str | None) -> None:
    result = run(*([name] if name else []), "-h")
    assert result.exit_code == 0
    command = cli.main.commands[name] if name else cli.main
    assert all(
        parameter.help for parameter in command.params if parameter.param_type_name == "option"
    )
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert not result.stdout.rstrip().endswith("...")  # no first sentence is cut short
    assert "...\n " not in result.stdout.partition("\n")[2]


def test_wrong_usage_exits_2() -> None:
    for words in (["none"], ["train", "--epochs", "0"], ["predict"], ["eval", "--split", "all"]):
        result = run(*words)
        assert result.exit_code == 2
        assert result.stdout == ""


def test_python_m_runs_the_program_and_help_loads_nothing_heavy() -> None:
    program = "import runpy, sys; sys.argv = ['mnistnet', '--help']\n"
    program += "try: runpy.run_module('mnistnet', run_name='__main__')\n"
    program += (
        "except SystemExit: print(sorted({'numpy', 'PIL', 'requests', 'tqdm'} & {*sys.modules}))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stderr == ""
    assert result.stdout.startswith("Usage: ")
    assert result.stdout.endswith("\n[]\n")


def test_version() -> None:
    assert run("--version").stdout == f"mnistnet, version {__version__}\n"


def test_the_help_in_the_readme_is_the_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^    \$ mnistnet (.*--help)\n((?:    .*\n|\n(?=    ))+)", readme, re.M)
    assert shown
    for words, text in shown:
        lines = [line.removeprefix("    ") for line in text.splitlines()]
        command = [sys.executable, "-m", "mnistnet", *words.split()]  # CliRunner's help is wider
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert (
            "\n".join(lines).rstrip() == printed.replace("python -m mnistnet", "mnistnet").rstrip()
        )
