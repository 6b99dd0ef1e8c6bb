"""Automatic differentiation: time to build and to differentiate an expression as its graph grows.

The notes claim that the ratio is constant.
"""

import statistics
import time

from mnistnet.model import autodiff as ad

RUNS = 5


def chain(count: int) -> tuple[ad.Variable, ad.Node]:
    """A chain: each node depends on the previous one."""
    f: ad.Node = (x := ad.Variable(0.5))
    for _ in range(count // 2):
        f = ad.sin(f) + x
    return x, f


def wide(count: int) -> tuple[ad.Variable, ad.Node]:
    """One variable used by many nodes, which are summed pairwise."""
    x = ad.Variable(0.5)
    nodes = [ad.sin(x) for _ in range(count // 2)]
    while len(nodes) > 1:
        nodes = [a + b for a, b in zip(nodes[::2], nodes[1::2], strict=False)]
    return x, nodes[0]


def main() -> None:
    print(f"{'graph':<8}{'nodes':>8}{'forward us/node':>18}{'gradient us/node':>18}{'ratio':>8}")
    for build in (chain, wide):
        for count in (100, 1_000, 10_000, 100_000):
            forward, backward = [], []
            for _ in range(RUNS):
                start = time.perf_counter()
                x, f = build(count)
                built = time.perf_counter()
                ad.gradients(f, [x])
                forward.append(built - start)
                backward.append(time.perf_counter() - built)
            a, b = (statistics.median(times) / count * 1e6 for times in (forward, backward))
            print(f"{build.__name__:<8}{count:>8,}{a:>18.2f}{b:>18.2f}{b / a:>8.2f}")


if __name__ == "__main__":
    main()
