"""``kemp config``: profiles, trusted certificates, shell completion, schemas."""

from dataclasses import replace
from typing import Any

import click

from cli import profiles
from cli.command import group, nearest, run_alone
from cli.connection import normal_url, profile_path
from cli.exit_codes import ExitCode, Failure
from cli.render import Column, as_json, details, write
from cli.session import Session, pass_session


@group("Profiles, trusted certificates, shell completion.")
def command() -> None:
    """Hold the verbs."""


@command.command()
@click.argument("address", metavar="URL")
@click.option("--yes", is_flag=True, help="Trust without asking: compare it yourself.")
@click.option("--fingerprint", metavar="SHA256", help="Trust only if it is this one.")
@pass_session
def trust(session: Session, address: str, yes: bool, fingerprint: str | None) -> None:
    """Show the certificate's fingerprint and pin it in a profile.

    The profile is --profile, or the one with this address, or a new one named like the host.
    """
    from urllib.parse import urlsplit

    from kempsdk.transport.tls import shown_fingerprint

    url = normal_url(address)
    if not url.startswith("https://"):
        raise Failure(f"{url} has no certificate: it is not https", ExitCode.USAGE)
    path = profile_path(session.environ)
    content = profiles.load(path)
    name = session.profile or session.environ.get("KEMP_PROFILE") or content.by_url(url)
    name = name or url.removeprefix("https://")
    current = content.profiles.get(name, profiles.Profile(url=url))
    if current.url not in (None, url):
        raise Failure(f"profile {name!r} is for {current.url}, not {url}", ExitCode.USAGE)
    session.address = url
    parts = urlsplit(url)
    found = shown_fingerprint(parts.hostname or "", parts.port or 443, timeout_s=session.timeout_s)
    if current.tls_pin not in (None, found):
        session.warn(f"the certificate has changed; profile {name!r} trusted {current.tls_pin}")
    shown = f"{url} shows a certificate with SHA-256\n  {found}"
    if session.output in (None, "table"):
        write(shown)
    else:
        session.say(shown)
    if fingerprint is not None and _hex(fingerprint) != found:
        raise Failure("that is not the fingerprint you gave; nothing kept", ExitCode.CERTIFICATE)
    session.confirm(
        "Compare it with the appliance's own screen.", "yes", yes=yes or fingerprint is not None
    )
    pinned = replace(current, url=url, tls_pin=found)
    profiles.save(path, content.with_profile(name, pinned))
    session.changed(
        f"pinned in profile {name!r} of {path}",
        {"profile": name, "url": url, "tls_pin": found},
        name=name,
    )


def _hex(text: str) -> str:
    return text.lower().removeprefix("sha256:").replace(":", "").strip()


@command.group(invoke_without_command=True)
@click.pass_context
def profile(ctx: click.Context) -> None:
    """Profiles: how to reach each LoadMaster; without a verb: list."""
    if ctx.invoked_subcommand is None:
        run_alone(ctx, list_profiles)


def _visible(name: str, one: profiles.Profile, *, default: bool) -> dict[str, object]:
    record: dict[str, object] = {"name": name, "default": default}
    for key in profiles.KEYS:
        value = getattr(one, key)
        record[key] = "********" if key == "api_key" and value else value
    return record


@profile.command("list")
@pass_session
def list_profiles(session: Session) -> None:
    """List the profiles; secrets are masked."""
    path = profile_path(session.environ)
    content = profiles.load(path)
    chosen = content.chosen()
    session.show_list(
        [_visible(name, one, default=name == chosen) for name, one in content.profiles.items()],
        (
            Column("NAME", "name"),
            Column("URL", "url"),
            Column("USER", "user"),
            Column("PINNED", "pinned"),
            Column("DEFAULT", "default"),
        ),
        row=lambda one: {**one, "pinned": one["tls_pin"] is not None},
        name=lambda one: str(one["name"]),
        empty=f"no profiles in {path}",
    )


@profile.command()
@click.argument("name")
@pass_session
def show(session: Session, name: str) -> None:
    """Show one profile; secrets are masked."""
    path = profile_path(session.environ)
    content = profiles.load(path)
    record = _visible(name, content.get(name, path=path), default=content.chosen() == name)
    session.show(record, details=lambda: details(record, colour=session.colour), name=name)


@profile.command("set")
@click.argument("name")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--default", "make_default", is_flag=True, help="Use it when none is named.")
@pass_session
def set_profile(session: Session, name: str, settings: tuple[str, ...], make_default: bool) -> None:
    """Add or change a profile; an empty value removes the key.

    Keys: url, user, password_file, api_key_file, tls_pin, ca_file, api.
    """
    path = profile_path(session.environ)
    content = profiles.load(path)
    values: dict[str, Any] = {}
    for setting in settings:
        key, separator, value = setting.partition("=")
        if not separator or key not in profiles.KEYS:
            hint = nearest(key, profiles.KEYS) or f"; known: {', '.join(profiles.KEYS)}"
            raise click.UsageError(
                f"{setting!r}: write KEY=VALUE" if not separator else f"unknown key {key!r}{hint}"
            )
        if key == "api_key":
            raise click.UsageError(
                "a key on the command line is seen by every user of this machine; "
                "write it to a file and give api_key_file=FILE"
            )
        if key == "api" and value not in ("", *profiles.APIS):
            raise click.UsageError(f"api is one of {', '.join(profiles.APIS)}")
        values[key] = (normal_url(value) if key == "url" else value) if value else None
    if values.get("tls_pin"):
        from kempsdk import Pin

        values["tls_pin"] = Pin(values["tls_pin"]).sha256
    changed = replace(content.profiles.get(name, profiles.Profile()), **values)
    content = content.with_profile(name, changed)
    if make_default:
        content = replace(content, default=name)
    profiles.save(path, content)
    record = _visible(name, changed, default=content.chosen() == name)
    session.changed(f"profile {name!r} written to {path}", record, name=name)


@profile.command()
@click.argument("name")
@pass_session
def delete(session: Session, name: str) -> None:
    """Remove a profile."""
    path = profile_path(session.environ)
    content = profiles.load(path)
    content.get(name, path=path)
    profiles.save(path, content.without(name))
    session.say(f"profile {name!r} removed from {path}")


@command.command()
@pass_session
def schema(session: Session) -> None:
    """Print the JSON Schema of a rollout file, for editors; with -o md every key, for people."""
    from cli.schema_text import schema_page
    from orchestrator.inventory import json_schema

    made = json_schema()
    write(schema_page(made) if session.output == "md" else as_json(made))


@command.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a completion script: eval "$(kemp config completion bash)"."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - the three names are click's own
    # The template itself: source() would start bash to ask for its version.
    script = kind(ctx.find_root().command, {}, "kemp", "_KEMP_COMPLETE")
    write((script.source_template % script.source_vars()).rstrip("\n"))
