"""The pytest plugin in a project that is not ours, found by its entry point."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A strict project with recordings of its own, below ``fixtures``."""
    pytester.makeini("[pytest]\naddopts = --strict-markers --strict-config\n")
    place = pytester.path / "fixtures" / "listvs"
    place.mkdir(parents=True)
    for one in (FIXTURES / "listvs").glob("two-services-*.yaml"):
        (place / one.name).write_bytes(one.read_bytes())
    return pytester


def test_three_lines_each(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_a_client(loadmaster):
            loadmaster.parameters.set("hostname", "lb7")
            assert loadmaster.system.identity().hostname == "lb7"

        def test_the_appliance_itself(virtual_loadmaster, loadmaster):
            loadmaster.virtual_services.list()
            assert [call.command for call in virtual_loadmaster.calls] == ["listvs"]

        def test_a_recording(recorded_loadmaster):
            lm = recorded_loadmaster("listvs/two-services-v2")
            assert [one.nickname for one in lm.virtual_services.list()] == ["dsr", "web"]
        """
    )
    project.runpytest_subprocess("-W", "error").assert_outcomes(passed=3)


def test_each_test_has_its_own_appliance(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        from kempsdk import VsRef
        from kempsdk.emulator import Switches

        @pytest.mark.parametrize("number", range(2))
        def test_new(loadmaster, number):
            assert loadmaster.virtual_services.list() == ()
            loadmaster.virtual_services.create(VsRef.parse("tcp/192.0.2.1:80"))

        @pytest.mark.virtual_loadmaster(switches=Switches(firmware="7.1"))
        def test_options(virtual_loadmaster, loadmaster):
            assert loadmaster.parameters.get("version").startswith("7.1.")

        @pytest.mark.virtual_loadmaster(state_file="state.json")
        class TestClass:
            def test_options_of_a_class(self, loadmaster, pytestconfig):
                loadmaster.virtual_services.create(VsRef.parse("tcp/192.0.2.1:80"))
                assert (pytestconfig.rootpath / "state.json").exists()
        """
    )
    project.runpytest().assert_outcomes(passed=4)


def test_several_recordings_in_one_test(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_both(recorded_loadmaster):
            first = recorded_loadmaster("listvs/two-services-v1")
            second = recorded_loadmaster("listvs/two-services-v2.yaml", order="any")
            assert second.virtual_services.list() == first.virtual_services.list()
        """
    )
    project.runpytest().assert_outcomes(passed=1)


def test_a_test_that_asks_for_something_else_fails_once(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_other(recorded_loadmaster):
            recorded_loadmaster("listvs/two-services-v2").statistics.totals()
        """
    )
    result = project.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*no answer recorded here for: v2 vstotals*", "*next is 1: *"])
    result.stdout.no_fnmatch_line("*never asked for*")


def test_an_error_that_the_script_swallows_fails_the_test(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_swallows(recorded_loadmaster):
            lm = recorded_loadmaster("listvs/two-services-v2")
            try:
                lm.statistics.totals()
            except Exception:
                lm.virtual_services.list()
        """
    )
    result = project.runpytest()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*no answer recorded here for: v2 vstotals*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_test_that_asks_for_less_fails(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        def test_less(recorded_loadmaster):
            recorded_loadmaster("listvs/two-services-v2")

        def test_skipped(recorded_loadmaster):
            recorded_loadmaster("listvs/two-services-v2")
            pytest.skip("today")
        """
    )
    result = project.runpytest()
    result.assert_outcomes(passed=1, errors=1, skipped=1)
    result.stdout.fnmatch_lines(["*never asked for:*", "*1: v2 listvs*"])


def test_a_recording_that_is_not_there(project: pytest.Pytester) -> None:
    project.makepyfile("def test_none(recorded_loadmaster):\n    recorded_loadmaster('nothing')\n")
    result = project.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*fixtures/nothing.yaml: no such recording; `kemp record`*"])


def test_recordings_can_be_somewhere_else(project: pytest.Pytester) -> None:
    (project.path / "fixtures").rename(project.path / "tapes")
    project.makepyfile(
        "def test_it(recorded_loadmaster):\n"
        "    recorded_loadmaster('listvs/two-services-v2').virtual_services.list()\n"
    )
    result = project.runpytest("-o", "kemp_recordings=tapes")
    result.assert_outcomes(passed=1)


def test_the_plugin_shows_itself(project: pytest.Pytester) -> None:
    shown = project.runpytest("--fixtures").stdout.str()
    for name in ("virtual_loadmaster --", "loadmaster --", "recorded_loadmaster --"):
        assert f"\n{name}" in shown
    assert "no docstring available" not in shown
    project.runpytest("--markers").stdout.fnmatch_lines(["@pytest.mark.virtual_loadmaster*"])
    project.runpytest("--help").stdout.fnmatch_lines(["*kemp_recordings (string)*"])


def test_projects_that_do_not_use_it_load_nothing(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import sys

        def test_loaded():
            assert not {"requests", "yaml", "responses", "aiohttp"} & {*sys.modules}
            assert "kempsdk.client" not in sys.modules
        """
    )
    project.runpytest_subprocess().assert_outcomes(passed=1)
