"""A program that does nothing, with typer's own help: what `rtstream --help` is measured against."""

import sys

import typer

app = typer.Typer(rich_markup_mode=None if "--plain" in sys.argv else "rich")


@app.callback()
def main(
    quiet: bool = typer.Option(False, help="Say less."), verbose: bool = typer.Option(False, help="Say more.")
):
    """A program that does nothing."""


@app.command()
def new(name: str):
    """Make something."""


@app.command()
def serve(target: str):
    """Serve something."""


@app.command()
def test(target: str):
    """Test something."""


if __name__ == "__main__":
    app([word for word in sys.argv[1:] if word != "--plain"])
