"""SigV4 for a service that wants signed requests; needs botocore, imported only here."""

from typing import Any

from client.transport import ClientError


class Signer:
    """Signs requests to API Gateway with the credentials that botocore finds.

    Raises:
        ClientError: botocore is not installed, or finds no credentials.
    """

    def __init__(self, region: str) -> None:
        try:
            import botocore.auth
            import botocore.awsrequest
            import botocore.exceptions
            import botocore.session
        except ImportError as cause:
            raise ClientError(
                "--sign needs botocore, which is not installed: pip install botocore"
            ) from cause
        self._library: Any = botocore
        self._region = region
        self._credentials: Any = self._find()

    def _find(self) -> Any:
        try:
            found = self._library.session.Session().get_credentials()
        except self._library.exceptions.BotoCoreError as cause:
            raise ClientError(f"the AWS credentials cannot be read: {cause}") from cause
        if found is None:
            raise ClientError(
                "--sign found no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY"
            )
        return found

    def sign(self, method: str, url: str) -> dict[str, str]:
        """The headers of a signed request without a body.

        Raises:
            ClientError: the credentials have expired and cannot be renewed.
        """
        library = self._library
        request = library.awsrequest.AWSRequest(method, url)
        try:
            # At each request: a night is longer than temporary credentials live.
            frozen = self._credentials.get_frozen_credentials()
        except library.exceptions.BotoCoreError as cause:
            raise ClientError(f"the AWS credentials cannot be renewed: {cause}") from cause
        library.auth.SigV4Auth(frozen, "execute-api", self._region).add_auth(request)
        return {str(name): str(value) for name, value in request.headers.items()}

    def hide(self, text: str) -> str:
        """As it is: a secret key is never sent."""
        return text
