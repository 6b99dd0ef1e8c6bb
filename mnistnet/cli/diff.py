"""mnistnet diff."""

from collections.abc import Sequence
from pathlib import Path

import click

from mnistnet.cli.options import json_option, print_json
from mnistnet.cli.plot import figure_options, load_figures
from mnistnet.model.differentiation import differentiate
from mnistnet.report import explain


class ExpressionCommand(click.Command):
    """A command whose argument may start with a minus: -tanh(x) is not the options -t -a -n -h."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        signed = [
            f" {arg}" if arg[:1] == "-" and arg[1:2] != "-" and arg != "-h" else arg for arg in args
        ]
        return super().parse_args(ctx, signed)


def _values(_ctx: click.Context, _param: click.Parameter, given: Sequence[str]) -> dict[str, float]:
    values: dict[str, float] = {}
    for text in given:
        name, _, number = text.partition("=")
        try:
            values[name.strip()] = float(number)
        except ValueError as error:
            message = f"expected a name and a number, as in x=0.5; found {text!r}"
            raise click.BadParameter(message) from error
    return values


@click.command(cls=ExpressionCommand)
@click.argument("expression")
@click.argument("values", nargs=-1, metavar="NAME=VALUE...", callback=_values)
@figure_options("Draw the expression graph to this .png, .svg or .pdf file (needs matplotlib).")
@json_option
def diff(
    expression: str, values: dict[str, float], out: Path | None, force: bool, as_json: bool
) -> None:
    """Differentiate EXPRESSION at a point, step by step.

    Print the intermediate variables and their values, then, backward, the derivative with respect
    to each variable and the rule that gives it. Central differences follow for comparison, and the
    number of operations.

    EXPRESSION may contain numbers, names, pi, e, + - * / **, parentheses, and the functions exp,
    log, sqrt, sin, cos, tanh, logistic (also called sigmoid), relu and abs. Assignments may precede
    it.

    \b
    Examples:
      mnistnet diff "exp(exp(x) + exp(x)**2) + sin(exp(x) + exp(x)**2)" x=0.5
      mnistnet diff "a = exp(x); b = a**2; c = a + b; exp(c) + sin(c)" x=0.5
      mnistnet diff "log(1 + exp(-y * f))" y=1 f=0.3 --out graph.svg
    """
    result = differentiate(expression, values)
    if out:
        figures = load_figures("diff --out", out, force)
        figures.style.save(figures.graph.expression(result), out)
    if as_json:
        print_json(explain.steps_json(result))
    else:
        click.echo(explain.steps_text(result))
