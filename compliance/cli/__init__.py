"""The command line: one file a command, no logic. Data goes to stdout, words to stderr."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping

import click

from compliance.schemas.errors import ComplianceError

EXIT_CODES = """
\b
Exit codes, computed once over the whole run:
  0  held: everything asked for was decided and held
  1  a violation at or above the threshold
  2  wrong usage or configuration
  3  nothing failed, but not everything could be decided, or an anchor could not be checked
  4  integrity broken: the ledger is not what was signed
  5  the engine crashed
  130  interrupted; what was complete is kept
"""

# Name → (module, one line for the list). Modules are imported only when their command runs.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("init", "Write compliance.toml from what is found on this machine."),
    "audit": ("audit", "Collect, evaluate and write working papers (PDF) and results (JSON)."),
    "gate": ("gate", "Collect, evaluate and fail the build on violations. No PDF."),
    "diff": ("diff", "Compare two audits: new, regressed, fixed, gone, undecided, and why."),
    "trend": ("trend", "The audits in the ledger, each against the one before."),
    "collect": ("collect", "Read the configured sources into the ledger."),
    "sources": ("sources", "Configured sources: list, discover, check access."),
    "controls": ("controls", "Control definitions: list, show, lint, test, mutate."),
    "frameworks": ("frameworks", "Frameworks and their requirements: list, show."),
    "registers": ("registers", "Registers that people keep: init, list, check a file, state a nil return."),
    "evidence": ("evidence", "What is in the ledger: kinds, rows, one entry, JSON Schema."),
    "waiver": ("waiver", "Accept a failing finding for a while: request, approve, revoke, list."),
    "attest": ("attest", "Record manual evidence: a statement or document by a named person."),
    "sample": ("sample", "Samples of an audit's population, drawn by a seed: draw, show, retest."),
    "verify": ("verify", "Recompute the whole ledger and name the first bad entry."),
    "anchor": ("anchor", "Copies of checkpoints outside: push, status, list."),
    "package": ("package", "Write what an auditor receives: reports, evidence, proofs, a verifier."),
    "ledger": ("ledger", "The ledger: status, export, import, copy, compact, sealed months, adopt a lock store."),
    "keys": ("keys", "Signing keys: create, hand over, replace, export the public half."),
    "doctor": ("doctor", "Check this installation, its configuration, keys and ledger."),
}


class ReaderGone(Exception):
    """Nobody reads stdout any more. Under another name than BrokenPipeError, which click turns into exit 1."""


class Commands(click.Group):
    """A group that imports a command only when it is asked for, so that `--help` stays fast."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGone from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"compliance.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        import compliance

        click.echo(f"compliance {compliance.__version__}")
        ctx.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES,
    help="Evidence that controls work, kept so that an outside auditor can check it.\n\n"
    "Without a configuration, `compliance audit` looks at this machine and writes working papers about it.",
)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version, help="Show it.")
def cli() -> None:
    """The root group."""


def main() -> None:
    """Run the command line; the only place where errors become exit codes."""
    if sys.platform == "win32":
        sys.exit(fail("this engine reads Unix systems; on Windows run it inside WSL", None, 2))
    try:
        code = cli(standalone_mode=False)
        sys.stdout.flush()  # here, where a reader that went away is understood
    except (click.exceptions.Abort, KeyboardInterrupt):
        code = _interrupted()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except ComplianceError as error:
        code = fail(error.message, error.remedy, error.exit_code)
    except (BrokenPipeError, ReaderGone):
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 -- keeps the interpreter from complaining at exit
        code = 141  # what a shell reports for a writer whose reader went away
    except Exception as error:  # noqa: BLE001 -- the last door: a crash must exit with 5, never 0 or 1
        code = _interrupted() if _by_interrupt(error) else _crashed(error)
    sys.exit(code if isinstance(code, int) else 0)


def _interrupted() -> int:
    return fail("interrupted", "what was complete is kept; run the command again to go on", 130)


def _by_interrupt(error: Exception) -> bool:
    """What DuckDB makes of Ctrl-C while a query runs in the main thread: no KeyboardInterrupt."""
    return type(error) is RuntimeError and str(error) == "Query interrupted"


def _crashed(error: Exception) -> int:
    import traceback

    traceback.print_exception(error)
    return fail(f"the engine crashed: {type(error).__name__}: {error}", "report it with the lines above", 5)


def fail(message: str, remedy: str | None, code: int) -> int:
    """Print an error and what to do next to stderr; returns `code`."""
    click.secho(f"error: {message}", err=True, fg="red" if _colour() else None)
    if remedy:
        click.echo(f"hint: {remedy}", err=True)
    return code


def _colour() -> bool:
    return sys.stderr.isatty() and "NO_COLOR" not in os.environ
