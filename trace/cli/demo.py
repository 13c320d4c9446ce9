"""Commands of the demo world: fill an instance with it, and say what is to be seen there."""

from __future__ import annotations

import io

import click
import orjson
import qrcode

from trace import clock
from trace.cli.group import trace
from trace.errors import TraceError
from trace.jobs import worker
from trace.services.demo import access
from trace.services.demo.world import DEFAULT_CHAINS, DEFAULT_SEED, FEWEST


@trace.command("seed")
@click.option("--if-empty", is_flag=True, help="Leave an instance that holds anything alone.")
@click.option(
    "--chains",
    type=click.IntRange(min=FEWEST),
    default=DEFAULT_CHAINS,
    show_default=True,
    help="How many farm-to-shop chains.",
)
@click.option("--seed", type=int, default=DEFAULT_SEED, show_default=True, help="Another world.")
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Events captured together: larger is quicker, record times are a little later.",
)
@click.option("--beside-real-data", is_flag=True, help="Even where real organisations are.")
def seed_command(
    *, if_empty: bool, chains: int, seed: int, batch: int, beside_real_data: bool
) -> None:
    """Fill this instance with the demo world, once, and publish the log."""
    try:
        seeded = access.seed(
            now=clock.now(),
            chains=chains,
            number=seed,
            batch=batch,
            only_empty=if_empty,
            beside_real_data=beside_real_data,
            progress=_progress,
        )
    except TraceError as error:
        raise _refusal(error) from error
    if seeded.state == "not-empty":
        click.echo("This instance is not empty: no demo was added.")
        return
    # Jobs mark passports stale that nobody has read yet: they can wait for the worker.
    worker.publish("command-line")
    word = "made" if seeded.state == "made" else "exists"
    click.echo(f"Demo {word}: {seeded.chains} chains, {seeded.events} events, {seeded.days} days.")


def _progress(count: int) -> None:
    if count % 1000 == 0:
        click.echo(f"{count} events …", err=True)


def _refusal(error: TraceError) -> click.ClickException:
    return click.ClickException(f"{error.code}: {error.detail} {error.next_step}".strip())


@trace.command("demo")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for scripts.")
def demo_command(*, as_json: bool) -> None:
    """Print the demo's printed addresses, its sign-ins and a code to scan."""
    try:
        demo = access.describe()
    except TraceError as error:
        raise _refusal(error) from error
    if as_json:
        click.echo(orjson.dumps(demo, option=orjson.OPT_INDENT_2).decode())
        return
    click.echo(f"\nTrace (demo): {demo['base_url']}\n\nMã đã in / Printed codes:")
    for address in demo["addresses"]:
        click.echo(f"  {address['address']}\n    {address['product']}: {address['what']}")
    click.echo("\nĐăng nhập / Sign in:")
    for one in demo["sign_ins"]:
        click.echo(
            f"  {one['login']:<24} {one['password']}   {one['role']:<10} {one['organisation']}"
        )
    first = demo["addresses"][0]["address"]
    code = qrcode.QRCode(border=2, error_correction=qrcode.ERROR_CORRECT_L)
    code.add_data(first)
    drawn = io.StringIO()
    code.print_ascii(out=drawn, invert=True)
    click.echo(f"\nQuét thử / Scan this: {first}\n{drawn.getvalue()}")
