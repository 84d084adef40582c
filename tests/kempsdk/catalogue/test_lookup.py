"""Finding commands, attributes and parameters by the names that people write."""

import subprocess
import sys

import pytest

from kempsdk.catalogue import (
    UnknownCommandName,
    attributes,
    command,
    commands,
    find_parameter,
    kinds,
    parameters,
)
from kempsdk.errors import InvalidRequest


@pytest.mark.parametrize("name", ["logging/df", "logging.df", "logging_df", "LOGGING.DF"])
def test_a_sub_command_is_found_however_it_is_written(name: str) -> None:
    info = command(name)

    assert (info.name, info.v2_name, info.python_name) == ("logging/df", "logging.df", "logging_df")
    assert info.wire_name == "logging/df"
    assert info.selector is None


@pytest.mark.parametrize(
    "name", ["aclcontrol?list", "aclcontrol.list", "aclcontrol/list", "aclcontrol_list"]
)
def test_a_selector_is_found_however_it_is_written(name: str) -> None:
    info = command(name)

    assert (info.wire_name, info.selector) == ("aclcontrol", "list")


def test_a_selector_is_found_among_the_parameters() -> None:
    assert command("aclcontrol", {"addr": "10.0.0.1", "ADD": "block"}).name == "aclcontrol?add"
    with pytest.raises(UnknownCommandName):
        command("aclcontrol", {"addr": "10.0.0.1"})


def test_commands_are_matched_without_case() -> None:
    assert command("killaslinstance") is command("KillASLInstance")
    assert commands()["KillASLInstance"].mutates
    assert "killaslinstance" not in commands()


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(UnknownCommandName, match="did you mean addvs") as caught:
        command("advs")

    assert caught.value.allowed is not None
    assert caught.value.allowed.startswith("addvs")
    assert isinstance(caught.value, InvalidRequest)


def test_a_name_like_nothing_else_has_no_hint() -> None:
    with pytest.raises(UnknownCommandName) as caught:
        command("zzzzzz")

    assert caught.value.allowed is None
    assert "did you mean" not in str(caught.value)


def test_reads_of_owasprules_change_nothing() -> None:
    info = command("owasprules")

    assert not info.changes_with({"vs": 3})
    assert info.changes_with({"vs": 3, "Enable": True})
    assert command("modrs").changes_with({})
    assert not command("listvs").changes_with({})


def test_a_file_is_known_in_both_directions() -> None:
    assert command("backup").returns_file
    assert command("backup").takes_file is None
    assert command("restore").takes_file is not None
    assert command("restore").method == "POST"


def test_attributes_of_several_areas_are_one() -> None:
    fields = attributes("virtual_service")

    # InterceptOpts stands in virtual-services (with its words) and in waf.
    assert "opblock" in fields["InterceptOpts"].words
    assert fields["Schedule"].words["wlc"] == "weighted least connection"
    assert fields["BlockingParanoia"].high == 4
    assert fields["Index"].read_only


def test_an_unknown_object_names_all() -> None:
    with pytest.raises(InvalidRequest) as caught:
        attributes("virtual_sevice")

    assert caught.value.allowed == ", ".join(kinds())


def test_parameters_are_matched_without_case() -> None:
    assert find_parameter("HOSTNAME") is parameters()["Hostname"]
    assert find_parameter("no such thing") is None
    assert parameters()["finalpersist"].also == ("0",)


def test_nothing_is_read_before_the_first_question() -> None:
    asked = (
        "import sys; import kempsdk.commands; from kempsdk.catalogue import command; "
        "from kempsdk.catalogue.store import catalogue; "
        "before = catalogue.cache_info().currsize; command('addvs'); "
        "print(before, catalogue.cache_info().currsize, 'yaml' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    )

    assert shown.stdout.split() == ["0", "1", "False"]
