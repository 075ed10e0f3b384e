"""A server or a key variable that a workspace names is used once the user has confirmed it."""

from pathlib import Path

import pytest
from conftest import LocalServer

from taxonaut import Workspace
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import UntrustedError, WorkspaceError
from taxonaut.workspace.core.config import load_config, read_values
from taxonaut.workspace.core.trust import named_endpoints, trust_file

LABELS = "id,name,path\nknives,Knives,Kitchen > Knives\nbikes,Bikes,Sport > Bikes\n"


@pytest.fixture(autouse=True)
def _nothing_confirmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAXONAUT_TRUST", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def folder(tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace, as a stranger would send it, that wants a key of the user's."""
    monkeypatch.setenv("THEIR_SECRET", "s3cret")
    path = tmp_path / "theirs"
    (tmp_path / "labels.csv").write_text(LABELS, encoding="utf-8")
    from taxonaut import read_labels

    with Workspace.init(path) as workspace:
        workspace.import_labels(read_labels(tmp_path / "labels.csv"))
    write(path, server.url)
    return path


def write(folder: Path, url: str, key: str = "THEIR_SECRET") -> None:
    role = f'model = "hosted_vllm/test"\napi_base = "{url}"\napi_key_env = "{key}"\n'
    roles = "".join(f"[models.{name}]\n{role}" for name in ("navigator", "general_expert"))
    (folder / "taxonaut.toml").write_text(roles + '[walk]\nshortlist = "tree"\n', encoding="utf-8")


def test_nothing_is_sent_before_it_is_confirmed(folder: Path, server: LocalServer) -> None:
    with Workspace.open(folder) as workspace, pytest.raises(UntrustedError) as caught:
        workspace.classify(["heavy knives"])
    assert server.stats()["requests"] == 0
    assert str(caught.value) == (
        f"the settings in {str(folder)!r} name servers or key variables that were not confirmed on this machine: "
        f"THEIR_SECRET, {server.url}; look at them and confirm with: taxonaut trust -w {folder} "
        "(in a script: --yes, or TAXONAUT_TRUST=1)"
    )


def test_a_confirmation_is_kept_for_these_servers_alone(folder: Path, server: LocalServer) -> None:
    named_endpoints(folder, read_values(folder)).trust()
    assert trust_file().stat().st_mode & 0o777 == 0o600
    load_config(folder).check_trusted(ModelSettings(model="hosted_vllm/test", api_base=server.url))
    with Workspace.open(folder) as workspace:
        workspace.classify(["heavy knives"])
    assert server.stats()["requests"] > 0
    write(folder, server.url, key="HOME")
    with pytest.raises(UntrustedError, match="HOME"):
        load_config(folder).check_trusted(ModelSettings(model="x", api_key_env="HOME"))


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_a_program_says_that_the_servers_are_its_own(
    folder: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ModelSettings(model="x", api_key_env="THEIR_SECRET")
    if how == "environment":
        monkeypatch.setenv("TAXONAUT_TRUST", "1")
    load_config(folder, trust=how == "argument").check_trusted(settings)
    with Workspace.open(folder, trust=how == "argument") as workspace:
        workspace.config.check_trusted(settings)
        workspace.with_walk(top=3).config.check_trusted(settings)


def test_other_settings_than_the_file_s_are_the_user_s(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_config(folder).check_trusted(
        ModelSettings(model="x", api_base="http://mine/v1", api_key_env="MY_KEY")
    )
    monkeypatch.setenv("TAXONAUT_MODELS__NAVIGATOR__API_KEY_ENV", "MY_KEY")
    config = load_config(folder)
    with pytest.raises(UntrustedError):
        config.check_trusted(config.models.navigator)


def test_a_workspace_without_servers_needs_nothing(tmp_path: Path) -> None:
    Workspace.init(tmp_path / "mine").close()
    config = load_config(tmp_path / "mine")
    config.check_trusted(config.models.navigator)
    assert not trust_file().exists()


def test_a_damaged_file_of_confirmations_is_named(folder: Path, server: LocalServer) -> None:
    trust_file().parent.mkdir(parents=True)
    trust_file().write_text("{", encoding="utf-8")
    with pytest.raises(
        WorkspaceError, match=r"trusted.json' cannot be read .* move it away and confirm again"
    ):
        load_config(folder).check_trusted(ModelSettings(model="x", api_base=server.url))
