"""mnistnet download."""

import shlex
from pathlib import Path

import click

from mnistnet.cli import echo, escape, options
from mnistnet.data import download as library
from mnistnet.data import mnist
from mnistnet.errors import DataError


@click.command()
@options.data_options
@click.option("--check", is_flag=True, help="Only verify the files; exit with 1 if any is wrong.")
@click.option(
    "--synthetic",
    is_flag=True,
    help="Draw digits instead; they are not MNIST.  [default folder: ~/.cache/mnistnet/drawn]",
)
@options.quiet_option
def download(folder: Path | None, mirrors: tuple[str, ...], check: bool, synthetic: bool) -> None:
    """Download MNIST, verify it and keep it.

    If no mirror can be reached, --synthetic draws as many digits in the same format. To use them,
    name their folder with --data.

    \b
    Examples:
      mnistnet download
      mnistnet download --mirror ~/Downloads/mnist
      mnistnet download --synthetic
    """
    if synthetic and check:
        raise click.UsageError("--check verifies MNIST; it cannot be used with --synthetic")
    folder = folder or library.cache_folder() / ("drawn" if synthetic else "")
    if synthetic:
        from mnistnet.data import synthetic as drawing  # loads Pillow

        with options.progress("drawing", " digits") as advance:
            is_new = drawing.write(folder, advance)
        origin = "drawn" if is_new else "here, drawn before"
        sources = {file.name: origin for file in mnist.FILES}
    elif check:
        faults = library.check(folder)
        for name, fault in faults.items():
            echo(escape(f"{name:<24} {fault or 'verified'}"))
        if any(faults.values()):
            raise DataError(f"{folder} does not contain the four files of MNIST, unaltered")
        return
    else:
        with options.progress() as advance:
            sources = library.download(folder, library.with_known(mirrors), options.note, advance)
    for name, origin in sources.items():
        echo(escape(f"{name:<24} {origin}"))
    echo(escape(f"in {folder}"))
    if synthetic:
        options.note(f"to use them: mnistnet train --data {shlex.quote(str(folder))}")
