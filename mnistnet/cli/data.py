"""mnistnet download."""

from pathlib import Path

import click

from mnistnet.cli.shared import data_option, mirror_option, progress
from mnistnet.errors import DataError


@click.command()
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
    with progress() as (notify, advance):
        sources = library.download(folder, (*mirrors, *mnist.MIRRORS), notify, advance)
    for name, source in sources.items():
        click.echo(f"{name:<24} {source}")
    click.echo(f"in {folder}")
