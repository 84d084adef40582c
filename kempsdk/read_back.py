"""What a write came to: compared with what was asked for."""

from collections.abc import Sequence

from kempsdk.errors import FieldDifference, WriteNotApplied, describe


def not_applied(command: str, target: str, *differences: FieldDifference) -> WriteNotApplied:
    """Return the error for a command that succeeded and did something else."""
    return WriteNotApplied(
        f"{command} {target}: the appliance did something else: {describe(differences)}",
        differences=differences,
        command=command,
        target=target,
    )


def check_applied(command: str, target: str, differences: Sequence[FieldDifference]) -> None:
    """Raise if reading back showed differences.

    Raises:
        WriteNotApplied: there are some.
    """
    if differences:
        raise not_applied(command, target, *differences)
