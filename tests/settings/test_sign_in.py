"""What ltc.yaml says about the company's identity provider, and what it may not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings import SettingsError, load

WHOLE = """
version: 1
systems:
  crm: {connector: salesforce, roles: [crm]}
workbench:
  sign_in:
    issuer: https://id.acme.com/realms/acme
    client_id: ltc
    client_secret: "${file:secrets/oidc}"
    ca_bundle: authority.pem
    groups: {ltc-admins: admin, accounting: [finance, approver]}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "ltc.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_begin_at_the_file_and_a_role_may_stand_alone(tmp_path: Path) -> None:
    found = load(written(tmp_path, WHOLE)).workbench.sign_in
    assert found is not None
    assert found.client_secret == f"${{file:{tmp_path / 'secrets/oidc'}}}"
    assert found.ca_bundle == tmp_path / "authority.pem"
    assert found.groups == {"ltc-admins": ["admin"], "accounting": ["finance", "approver"]}
    assert (found.called, found.only) == ("id.acme.com", False)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("https://id.acme.com/realms/acme", "http://id.acme.com", "must begin with https://"),
        ("https://id.acme.com/realms/acme", "https://id.acme.com/?tenant=x", "without ? and #"),
        ("https://id.acme.com/realms/acme", "https://me:secret@id.acme.com", "without ? and #"),
        ('"${file:secrets/oidc}"', "canary-secret", "does not stand in ltc.yaml"),
        ("ltc-admins: admin", "ltc-admins: owner", "ltc-admins"),
        ("{ltc-admins: admin, accounting: [finance, approver]}", "{}", "groups"),
        ("client_id: ltc", "client_id: ltc\n    scopes: [profile]", "must hold openid"),
        ("client_id: ltc", "client_id: ltc\n    domains: [a@acme.com]", "is no domain"),
        ("client_id: ltc", "client_id: ltc\n    verify: false", "verify"),
    ],
)
def test_what_cannot_be_is_told_with_its_line_and_without_secrets(
    tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    assert right in WHOLE
    with pytest.raises(SettingsError) as caught:
        load(written(tmp_path, WHOLE.replace(right, wrong)))
    (problem,) = caught.value.problems
    assert said in problem.what
    assert problem.where.startswith("ltc.yaml:")
    assert "canary" not in str(caught.value)
