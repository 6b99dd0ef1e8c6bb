"""The commands: parse, call the library, print. The only file that imports click.

Results go to stdout, everything else to stderr. What a command needs is imported inside it, so
that `mnistnet --help` loads neither NumPy nor requests nor Pillow.
"""

import functools
import io
import json
import math
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistnet import __version__
from mnistnet.errors import DataError, MnistnetError, PictureError, TrainingError
from mnistnet.model.options import HIDDEN, Options

if TYPE_CHECKING:
    from mnistnet.data.mnist import Dataset
    from mnistnet.data.picture import Picture

DEFAULT_WEIGHTS = Path("mnistnet.npz")
PRETRAINED = Path(__file__).with_name("pretrained.npz")
GRADCHECK_IMAGES = 100
TOGETHER = 100  # pictures that are read before they are answered
MANY = 1_000_000  # epochs, units or images; more is a slip of the finger


class Commands(click.Group):
    """The one place where errors become exit codes: 1 it could not be done, 130 interrupted."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except OSError as error:  # stdout is on a full disk, say; click sees to a closed pipe
            with suppress(OSError):  # or Python tries once more at its end, and complains, too
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(f"Error: cannot write the result: {error.strerror or error}")

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.obj = tuple(args)  # the command as it was given, to tell how to go on with it
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MnistnetError as error:
            raise click.ClickException(str(error)) from error
        except MemoryError as error:
            raise click.ClickException("there is not enough memory for this") from error
        except KeyboardInterrupt as interrupt:
            click.echo(" ".join(["Interrupted", *interrupt.args]), err=True)
            ctx.exit(130)


class Mirrors(click.types.StringParamType):
    """An address or a folder; in the environment one a line, since a folder may have spaces."""

    name = "url|dir"

    def split_envvar_value(self, rv: str) -> list[str]:
        return [line for line in rv.splitlines() if line.strip()]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value or self.fail("an empty one is none", param, ctx)


class Finite(click.FloatRange):
    """A number in a range, which click takes nan and infinity for, too."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        return number if math.isfinite(number) else self.fail(f"{value} is no number", param, ctx)


data_option = click.option(
    "--data",
    "folder",
    type=click.Path(path_type=Path, readable=False),
    envvar="MNISTNET_DATA",
    show_envvar=True,
    help="Folder with the MNIST files.  [default: ~/.cache/mnistnet]",
)
mirror_option = click.option(
    "--mirror",
    "mirrors",
    type=Mirrors(),
    multiple=True,
    envvar="MNISTNET_MIRROR",
    show_envvar=True,
    help="Ask this address or folder first; may be repeated.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")


def weights_option(text: str, default: Path | None = None) -> Callable[..., Any]:
    """--weights FILE, for what the text says."""
    path = click.Path(path_type=Path, readable=False)
    return click.option("--weights", type=path, default=default, show_default=True, help=text)


READ_WEIGHTS = (
    "Weights file to read.  [default: mnistnet.npz; where there is none, the weights that ship "
    "with mnistnet]"
)


def setting(name: str, kind: "click.ParamType[Any]", text: str) -> Callable[..., Any]:
    """An option of train whose default is the one in Options."""
    default = getattr(Options, name.removeprefix("--").replace("-", "_"))
    return click.option(name, type=kind, default=default, show_default=True, help=text)


@click.group(
    name="mnistnet", cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="mnistnet")
def main() -> None:
    """Train, evaluate and use a small neural network that reads handwritten digits."""


@main.command()
@data_option
@mirror_option
@click.option("--check", is_flag=True, help="Only verify what is there; exit 1 on any fault.")
def download(folder: Path | None, mirrors: tuple[str, ...], check: bool) -> None:
    """Fetch MNIST, verify it and keep it.

    \b
    Examples:
      mnistnet download
      mnistnet download --mirror ~/Downloads/mnist
    """
    from mnistnet.data import download as library
    from mnistnet.data import mnist

    folder = folder or library.cache_folder()
    if check:
        faults = library.check(folder)
        for name, fault in faults.items():
            click.echo(f"{name:<24} {fault or 'verified'}")
        if any(faults.values()):
            raise DataError(f"{folder} does not hold MNIST, whole and unaltered")
        return
    with _progress() as (notify, advance):
        sources = library.download(folder, (*mirrors, *mnist.MIRRORS), notify, advance)
    for name, source in sources.items():
        click.echo(f"{name:<24} {source}")
    click.echo(f"in {folder}")


@main.command()
@data_option
@mirror_option
@weights_option("Weights file to write.", DEFAULT_WEIGHTS)
@click.option(
    "--hidden",
    type=click.IntRange(1, MANY),
    multiple=True,
    default=HIDDEN,
    show_default=True,
    help="Units in a hidden layer; repeat it for more layers.",
)
@setting("--epochs", click.IntRange(1, MANY), "Times that every training image is seen.")
@setting("--batch-size", click.IntRange(1, MANY), "Images in a minibatch, that is, for one step.")
@setting(
    "--learning-rate",
    Finite(min=0, min_open=True),
    "At the first step; it falls to zero along a cosine.",
)
@setting(
    "--momentum", Finite(0, 1, max_open=True), "Share of the last step that the next one keeps."
)
@setting(
    "--weight-decay", Finite(0, 1), "Penalty on the weights: half of it times their squared length."
)
@click.option(
    "--augment/--no-augment",
    default=Options.augment,
    show_default=True,
    help="Distort each minibatch a little, another way each time.",
)
@setting(
    "--drawn",
    click.IntRange(0, MANY),
    "Digits drawn by the program to train on besides: for people's pictures.",
)
@setting("--validation", click.IntRange(min=0), "Training images held out to validate on.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="The same seed on the same machine gives the same weights.",
)
@click.option("--resume", is_flag=True, help="Go on with a training that was cut short.")
@json_option
@click.pass_context
def train(
    ctx: click.Context,
    /,
    folder: Path | None,
    mirrors: tuple[str, ...],
    weights: Path,
    hidden: tuple[int, ...],
    seed: int,
    resume: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a network and write its weights, those of the last epoch.

    The test set is not touched: what is reported is the accuracy on training images that are held
    out to validate on, the same ones whatever the seed.

    After each epoch a checkpoint is left beside the weights file, and removed at the end. The same
    command with --resume goes on from there, to the same weights. One training at a time, please,
    for one weights file.

    \b
    Examples:
      mnistnet train
      mnistnet train --hidden 300 --hidden 100 --weights deep.npz
    """
    import numpy as np

    from mnistnet.atomic import check_writable
    from mnistnet.data import warp
    from mnistnet.model import checkpoint, training
    from mnistnet.model import weights as weights_file
    from mnistnet.model.network import CLASSES, PIXELS, Network
    from mnistnet.report.terminal import epoch_text, live_text, percent

    kept = checkpoint.beside(check_writable(weights))
    check_writable(kept)
    data = _dataset(folder, mirrors, "train")
    initial, rng, drawing = np.random.default_rng(seed).spawn(3)
    state = training.State(Network.random((PIXELS, *hidden, CLASSES), initial), rng)
    settings = Options(**options)
    source = {"sha256": data.sha256, "published": data.published}
    metadata = functools.partial(weights_file.metadata, settings, seed, source)
    if resume and kept.exists():
        checkpoint.load(kept, state, metadata([]))
    elif resume:
        click.echo(f"there is no checkpoint {kept}: beginning with epoch 1", err=True)
    elif kept.exists():
        weights_file.load(kept)  # whatever else has that name is not ours to replace
        click.echo(
            f"{kept}, of a training cut short, is replaced after epoch 1; to go on with that "
            "training, press Ctrl-C now and add --resume",
            err=True,
        )

    history = state.history
    images, labels = data.images, data.labels
    if settings.drawn:
        from mnistnet.data import synthetic  # which loads Pillow

        drawn = synthetic.draw(settings.drawn, drawing)
        images, labels = np.concatenate([images, drawn[0]]), np.concatenate([labels, drawn[1]])
    augment = warp.warps if settings.augment else None
    saved = len(history)
    try:
        with _live_line(settings.epochs, saved, as_json) as line:
            for report in training.train(state, images, labels, settings, augment):
                checkpoint.save(kept, state, metadata(history))
                saved = len(history)
                if as_json:
                    click.echo(json.dumps(vars(report)))
                elif line.disable:
                    click.echo(epoch_text(report, settings.epochs), err=True)
                trained_on = len(images) - settings.validation
                line.set_description_str(live_text(report, trained_on), refresh=False)
                line.update()
        weights_file.save(weights, state.network, metadata(history))
    except TrainingError:
        if saved:  # whoever goes on from this checkpoint ends here again
            kept.unlink(missing_ok=True)
        raise
    except KeyboardInterrupt as interrupt:
        if not saved:
            raise
        command, *words = ctx.obj
        again = [*shlex.split(ctx.find_root().info_name or ""), command, "--resume"]
        again += [word for word in words if word != "--resume"]
        raise KeyboardInterrupt(
            f"after epoch {saved} of {settings.epochs}; to go on: {shlex.join(again)}"
        ) from interrupt
    kept.unlink(missing_ok=True)

    seconds = sum(report.seconds for report in history)
    accuracy = history[-1].validation_accuracy
    if as_json:
        closing = {
            "weights": str(weights),
            "validation_accuracy": accuracy,
            "epochs": len(history),
            "seconds": seconds,
            "parameters": len(state.network.parameters),
        }
        click.echo(json.dumps(closing))
    else:
        click.echo(
            f"validation accuracy {percent(accuracy)} after {len(history)} epochs "
            f"in {seconds:.1f} s; weights in {weights}"
        )


@main.command(name="eval")
@data_option
@mirror_option
@weights_option(READ_WEIGHTS)
@click.option(
    "--split",
    type=click.Choice(["test", "train", "validation"]),
    default="test",
    show_default=True,
    help="Images to evaluate on; train and validation as the network was trained.",
)
@click.option(
    "--mistakes",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="How many of the surest mistakes to list; JSON has all.",
)
@json_option
def evaluate(
    folder: Path | None,
    mirrors: tuple[str, ...],
    weights: Path | None,
    split: str,
    mistakes: int,
    as_json: bool,
) -> None:
    """Tell how good a network is.

    Prints the accuracy, its loss, how often each digit is taken for another, and the mistakes that
    the network was surest of.

    \b
    Examples:
      mnistnet eval
      mnistnet eval --split validation --json
    """
    from mnistnet.model import weights as weights_file
    from mnistnet.report import evaluation as library
    from mnistnet.report import terminal

    path, whence = _weights(weights)
    network, meta = weights_file.load(path)
    file_split = "test" if split == "test" else "train"
    data = _dataset(folder, mirrors, file_split)
    rows = library.rows_of(split, len(data.labels), data.sha256, meta)
    result = library.evaluate(network, data.images, data.labels, rows)
    if as_json:
        facts = {"split": split, "published": data.published, "weights": str(path)}
        click.echo(json.dumps(library.as_json(result) | facts))
        return
    whose = "MNIST's own" if data.published else "not MNIST's own"
    click.echo(f"{whence}; {split} images are {whose}", err=True)
    click.echo(terminal.evaluation_text(result, split))
    if mistakes and result.mistakes:
        click.echo(f"\nsurest mistakes\n{terminal.mistakes_text(result, file_split, mistakes)}")


@main.command()
@click.argument("pictures", nargs=-1, required=True, metavar="PICTURE...")
@weights_option(READ_WEIGHTS)
@data_option
@mirror_option
@click.option(
    "--top",
    type=click.IntRange(0, 9),
    default=2,
    show_default=True,
    help="How many runners-up to print.",
)
@click.option("--show", is_flag=True, help="Draw what the network saw, and all probabilities.")
@json_option
def predict(
    pictures: tuple[str, ...],
    weights: Path | None,
    folder: Path | None,
    mirrors: tuple[str, ...],
    top: int,
    show: bool,
    as_json: bool,
) -> None:
    """Tell the digit in each PICTURE.

    PICTURE is a file with one digit in any format that Pillow reads, of any size and colours, a
    drawing or a photograph of paper; - for standard input; or test:7 or train:7 for that image of
    the data set. One that cannot be read costs an error line; the others are still answered.

    An answer is called unsure where its probability leads the second one's by less than 80 points.

    \b
    Examples:
      mnistnet predict digit.png
      mnistnet predict --show photo.jpg
      mnistnet predict --json test:0 test:1
    """
    import numpy as np

    from mnistnet.data.picture import Picture
    from mnistnet.model import weights as weights_file
    from mnistnet.model.network import log_probabilities
    from mnistnet.report.terminal import answer_text, is_unsure, picture_text

    path, whence = _weights(weights)
    network, _ = weights_file.load(path)
    if weights is None:
        click.echo(whence, err=True)

    @functools.cache  # a failure too: mirrors are asked once, not once a picture
    def dataset(split: str) -> "Dataset | MnistnetError":
        try:
            return _dataset(folder, mirrors, split)
        except MnistnetError as error:
            return error

    plain = not _can_print("▀▄█")
    failed = False
    for start in range(0, len(pictures), TOGETHER):
        found = [
            (name, _read_picture(name, dataset)) for name in pictures[start : start + TOGETHER]
        ]
        images = [picture.image for _, picture in found if isinstance(picture, Picture)]
        rows: Any = iter(network.image_scores(np.array(images)) if images else [])
        for name, picture in found:
            if not isinstance(picture, Picture):
                failed = True
                if as_json:
                    click.echo(json.dumps({"picture": name, "error": str(picture)}))
                else:
                    click.echo(f"Error: {name}: {picture}", err=True)
                continue
            scores = next(rows)
            probabilities = np.exp(log_probabilities(scores[None]))[0].tolist()
            if as_json:
                answer = {
                    "picture": name,
                    "digit": int(scores.argmax()),
                    "probability": max(probabilities),
                    "probabilities": probabilities,
                    "scores": scores.tolist(),
                    "inverted": picture.inverted,
                    "unsure": is_unsure(probabilities),
                }
                click.echo(json.dumps(answer))
            else:
                click.echo(answer_text(name, probabilities, top))
                if show:
                    click.echo(picture_text(picture.image.tolist(), probabilities, plain) + "\n")
    if failed:
        sys.exit(1)


@main.command()
@weights_option(
    "Weights file to read.  [default: mnistnet.npz; where there is none, a fresh network]"
)
@data_option
@mirror_option
@json_option
def gradcheck(
    weights: Path | None, folder: Path | None, mirrors: tuple[str, ...], as_json: bool
) -> None:
    """Check the gradient that trains.

    On a minibatch of training images, in float64, backpropagation is compared with automatic
    differentiation in every weight, and with finite differences in a random sample of up to 500
    weights of each matrix. Errors are relative to the largest derivative in the same matrix. Exits
    with 1 where backpropagation is wrong.
    """
    import numpy as np

    from mnistnet.model import gradcheck as library
    from mnistnet.model import weights as weights_file
    from mnistnet.model.network import CLASSES, PIXELS, Network, scale
    from mnistnet.report.terminal import gradient_check_text

    rng = np.random.default_rng(0)
    if weights is None and not DEFAULT_WEIGHTS.exists():
        name, network = "a fresh network", Network.random((PIXELS, *HIDDEN, CLASSES), rng)
    else:
        name = str(weights or DEFAULT_WEIGHTS)
        network, _ = weights_file.load(weights or DEFAULT_WEIGHTS)
    data = _dataset(folder, mirrors, "train")
    x, labels = scale(data.images[:GRADCHECK_IMAGES]), data.labels[:GRADCHECK_IMAGES]
    check = library.check_gradient(network, x, labels, rng)
    if as_json:
        facts = {
            "parameters": check.parameters,
            "backprop_vs_autodiff": check.backprop_vs_autodiff,
            "backprop_vs_finite_differences": check.backprop_vs_finite_differences,
            "ok": check.ok,
        }
        click.echo(json.dumps(facts))
    else:
        click.echo(f"{name}, {'-'.join(map(str, network.layers))}; {len(x)} images", err=True)
        click.echo(gradient_check_text(check))
    if not check.ok:
        raise MnistnetError("backpropagation does not compute the gradient of the loss")


def _weights(given: Path | None) -> tuple[Path, str]:
    """The weights file that a command reads, and a line that says which that is."""
    if given is None and not os.path.lexists(DEFAULT_WEIGHTS):
        return PRETRAINED, "weights that ship with mnistnet"
    path = given or DEFAULT_WEIGHTS
    return path, f"weights {path}"


def _dataset(folder: Path | None, mirrors: tuple[str, ...], split: str) -> "Dataset":
    """One split, downloaded first where it is not there yet."""
    from mnistnet.data import download, mnist

    with _progress() as (notify, advance):
        return download.obtain(
            folder or download.cache_folder(),
            split,
            (*mirrors, *mnist.MIRRORS),
            notify,
            advance,
        )


def _read_picture(
    name: str, dataset: Callable[[str], "Dataset | MnistnetError"]
) -> "Picture | MnistnetError":
    """What predict's PICTURE stands for: an image of the data set, standard input or a file."""
    from mnistnet.data.picture import Picture, read_picture

    split, colon, number = name.partition(":")
    try:
        if colon and split in ("test", "train"):
            data = dataset(split)
            if isinstance(data, MnistnetError):
                return data
            last = len(data.images) - 1
            is_number = number.isascii() and number.isdecimal()
            if not is_number or len(number) > len(str(last)) or int(number) > last:
                return PictureError(f"expected {split}: and a number from 0 to {last}")
            return Picture(data.images[int(number)], inverted=False, as_is=True)
        if name == "-":
            if sys.stdin is None:
                return PictureError("standard input is closed")
            return read_picture(io.BytesIO(sys.stdin.buffer.read()))
        return read_picture(Path(name))
    except MnistnetError as error:
        return error


def _can_print(text: str) -> bool:
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _live_line(epochs: int, done: int, as_json: bool) -> Any:
    """A tqdm bar over the epochs on stderr; disabled where that is not a terminal, or for JSON."""
    from tqdm import tqdm

    form = "epoch {n_fmt}/{total_fmt} |{bar:10}| {desc}, {remaining} left"
    return tqdm(
        total=epochs,
        initial=done,
        desc="training",
        bar_format=form,
        dynamic_ncols=True,
        disable=as_json or None,
    )


@contextmanager
def _progress() -> Iterator[tuple[Callable[[str], None], Callable[[int, int], None]]]:
    """notify and advance for the downloader: sentences and one bar, both on stderr."""
    bar: Any = None

    def notify(sentence: str) -> None:
        if bar is not None:
            bar.clear()
        click.echo(sentence, err=True)

    def advance(received: int, total: int) -> None:
        nonlocal bar
        if bar is None:
            from tqdm import tqdm

            bar = tqdm(desc="MNIST", total=total, unit="B", unit_scale=True, disable=None)
        bar.update(received)

    try:
        yield notify, advance
    finally:
        if bar is not None:
            bar.close()
