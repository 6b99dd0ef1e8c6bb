"""mnistnet download."""

from pathlib import Path

import click

from mnistnet.cli.options import data_options, progress, quiet_option
from mnistnet.data import download as library
from mnistnet.data import mnist, synthetic
from mnistnet.errors import DataError


@click.command()
@data_options
@click.option("--check", is_flag=True, help="Only verify the files; exit with 1 if any is wrong.")
@click.option(
    "--synthetic",
    is_flag=True,
    help="Draw digits instead; they are not MNIST.  [default folder: ~/.cache/mnistnet/drawn]",
)
@quiet_option
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
    if synthetic:
        if check:
            raise click.UsageError("--check verifies MNIST; it cannot be used with --synthetic")
        _draw(folder or library.cache_folder() / "drawn")
        return
    folder = folder or library.cache_folder()
    if check:
        faults = library.check(folder)
        for name, fault in faults.items():
            click.echo(f"{name:<24} {fault or 'verified'}")
        if any(faults.values()):
            raise DataError(f"{folder} does not contain the four files of MNIST, unaltered")
        return
    with progress() as (notify, advance):
        sources = library.download(folder, (*mirrors, *mnist.MIRRORS), notify, advance)
    for name, source in sources.items():
        click.echo(f"{name:<24} {source}")
    click.echo(f"in {folder}")


def _draw(folder: Path) -> None:
    with progress("drawing", " digits") as (_, advance):
        is_new = synthetic.write(folder, advance)
    for file in mnist.FILES:
        click.echo(f"{file.name:<24} {'drawn' if is_new else 'here, drawn before'}")
    click.echo(f"in {folder}")
