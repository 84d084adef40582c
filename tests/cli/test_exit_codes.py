"""Every error has a code and says what to do next."""

import click
import pytest

from cli.exit_codes import ExitCode, Failure, explain
from kempsdk import errors as sdk
from orchestrator import errors as orchestration

CASES = [
    (sdk.InvalidRequest("bad", field="weight", allowed="1 to 65535"), 2, "1 to 65535"),
    (sdk.AmbiguousName("web is ambiguous", candidates=["tcp/10.0.0.1:80"]), 15, "tcp/10.0.0.1:80"),
    (sdk.CertificateNotTrusted("no", fingerprint="ab12"), 13, "kemp config trust https://lb"),
    (sdk.CertificateNotTrusted("no", fingerprint="ab12"), 13, "ab12"),
    (sdk.Unreachable("no"), 5, "https://lb"),
    (sdk.RateLimited("no"), 5, "30 calls"),
    (sdk.OutcomeUnknown("no answer"), 7, "look before you repeat"),
    (sdk.BadAnswer("HTML"), 12, "https://lb"),
    (sdk.BadAnswer("cut", outcome=sdk.Outcome.UNKNOWN), 7, "look before you repeat"),
    (sdk.AuthenticationFailed("no", status=401, reason=""), 6, "KEMP_API_KEY"),
    (sdk.PermissionDenied("no", status=403, reason=""), 6, "permission"),
    (sdk.ApiDisabled("no", status=404, reason=""), 14, "Enable API Interface"),
    (sdk.UnknownCommand("no", status=405, reason=""), 4, "listapi"),
    (sdk.NotFound("no", status=422, reason=""), 3, ""),
    (sdk.CommandRejected("no", status=422, reason=""), 4, ""),
    (
        sdk.WriteNotApplied("no", differences=[sdk.FieldDifference("weight", 5, 1)]),
        11,
        "weight: asked 5, got 1",
    ),
    (sdk.KempError("odd"), 1, ""),
    (orchestration.SpecInvalid("bad", path="r.yaml", line=3), 16, ""),
    (orchestration.RuleViolated("no", rules=["dsr-needs-l4"]), 17, "--allow dsr-needs-l4"),
    (orchestration.HostUnreachable("no"), 5, ""),
    (orchestration.HostChangeFailed("no", done=["sysctl"]), 11, "sysctl"),
    (orchestration.GateRefused("no", gate="floor", evidence=["1 up"]), 8, "1 up"),
    (orchestration.GateRefused("no", gate="floor-impossible"), 31, ""),
    (orchestration.DriftDetected("no", moved=["weight"]), 9, "moved: weight"),
    (orchestration.Locked("no", owner="run 7"), 10, "run 7"),
    (orchestration.RunNotFound("no"), 3, ""),
    (orchestration.RunPaused("no"), 19, ""),
    (orchestration.StoreUnavailable("no"), 21, "KEMP_STORE"),
    (orchestration.StoreReadOnly("no"), 23, "KEMP_STORE=DIRECTORY"),
    (orchestration.StoreFull("no"), 24, "make room"),
    (orchestration.OtherVersion("no"), 25, ""),
    (orchestration.CannotRehearse("no"), 28, ""),
    (orchestration.RequestRefused("no"), 29, ""),
    (orchestration.TargetNotFound("no", known=["web1", "web2"]), 3, "web1, web2"),
    (orchestration.AlreadyAsked("no", by="ada"), 26, "kemp rollout status"),
    (orchestration.LockNotFound("no"), 3, "kemp rollout locks"),
    (orchestration.IsolationUnavailable("no"), 18, ""),
    (orchestration.TelemetryUnavailable("no"), 2, ""),
    (orchestration.OrchestratorError("odd"), 1, ""),
    (Failure("no", ExitCode.INVALID_FILE), 16, ""),
    (click.UsageError("no"), 2, ""),
    (RuntimeError("odd"), 1, "--debug"),
]


@pytest.mark.parametrize(
    ("error", "code", "advice"), CASES, ids=[f"{type(one[0]).__name__}-{one[1]}" for one in CASES]
)
def test_code_and_advice(error: Exception, code: int, advice: str) -> None:
    told = explain(error, url="https://lb")
    assert told.code == code
    assert str(error) in told.message
    assert advice in "\n".join(told.advice)


def test_no_error_class_is_forgotten() -> None:
    """A new error class must be given a code here, not fall through to a parent by chance."""
    seen = {type(error) for error, _, _ in CASES}
    for module, root in ((sdk, sdk.KempError), (orchestration, orchestration.OrchestratorError)):
        classes = {
            one for one in vars(module).values() if isinstance(one, type) and issubclass(one, root)
        }
        assert classes <= seen
