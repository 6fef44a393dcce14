"""`python -m tests.people.mock_server PORT OUR_PUBLIC_KEY.pem`: `oidc-provider-mock`, made as strict as authlib can;
with `secrets` in place of the key it knows a client by its secret.

The provider by itself knows neither PKCE nor `private_key_jwt`. Both are added here as authlib implements them, so
that what we send is judged by other people's code.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Final

import uvicorn
from authlib.integrations.flask_oauth2 import AuthorizationServer  # type: ignore[import-untyped]
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import CodeChallenge  # type: ignore[import-untyped]
from joserfc.jwk import ECKey
from oidc_provider_mock import _app as mock  # type: ignore[import-untyped]

from tests.people.mock_provider import PEOPLE

PORT, KEY_FILE = int(sys.argv[1]), Path(sys.argv[2])
SECRETS: Final = sys.argv[2] == "secrets"
CHALLENGES: Final[dict[str, tuple[str, str]]] = {}
USED: Final[set[str]] = set()


class Grant(mock.AuthorizationCodeGrant):  # type: ignore[misc]  # nor has it
    TOKEN_ENDPOINT_AUTH_METHODS = (  # as authlib declares it
        ["client_secret_basic", "client_secret_post"] if SECRETS else ["private_key_jwt"]
    )

    def save_authorization_code(self, code: str, request: Any) -> None:
        said = request.payload.data
        CHALLENGES[code] = said["code_challenge"], said["code_challenge_method"]
        super().save_authorization_code(code, request)


class Challenge(CodeChallenge):  # type: ignore[misc]  # authlib has no types
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # noqa: RUF012

    def get_authorization_code_challenge(self, authorization_code: Any) -> str:
        return CHALLENGES[authorization_code.code][0]

    def get_authorization_code_challenge_method(self, authorization_code: Any) -> str:
        return CHALLENGES[authorization_code.code][1]


class Assertion(JWTBearerClientAssertion):  # type: ignore[misc]  # authlib has no types
    def get_audiences(self) -> list[str]:
        return [f"http://127.0.0.1:{PORT}/oauth2/token"]

    def validate_jti(self, _claims: Any, jti: str) -> bool:
        fresh = jti not in USED
        USED.add(jti)
        return fresh

    def resolve_client_public_key(self, _client: Any) -> ECKey:
        return ECKey.import_key(KEY_FILE.read_text())


class Server(AuthorizationServer):  # type: ignore[misc]  # authlib has no types
    def init_app(self, app: Any, **given: Any) -> None:
        super().init_app(app, **given)
        self.register_client_auth_method("private_key_jwt", Assertion())

    def register_grant(self, grant: Any, extensions: Any = None) -> None:
        if grant is mock.AuthorizationCodeGrant:
            grant, extensions = Grant, [*extensions, Challenge(required=True)]
        super().register_grant(grant, extensions)


def main() -> None:
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    mock.flask_oauth2.AuthorizationServer = Server
    people = [mock.User(sub=str(each["sub"]), claims={**each}) for each in PEOPLE]
    made = mock.app(require_nonce=True, user_claims=people)
    uvicorn.run(made, interface="wsgi", host="127.0.0.1", port=PORT, log_level="info")


if __name__ == "__main__":
    main()
