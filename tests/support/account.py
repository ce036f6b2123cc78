"""An AWS account for the tools of operators: a moto server, and in front of it what it lacks."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from local.aws import Aws
from tests.support.processes import environment

SETTINGS_PATH = "/2016-08-19/account-settings"
REPOSITORY = "123456789012.dkr.ecr.eu-west-3.amazonaws.com/predict"
_TRUST = {"Version": "2012-10-17", "Statement": []}


class Account(ThreadingHTTPServer):
    """Answers for AWS; what is not asked for here goes on to moto.

    Attributes:
        concurrency: executions at once: of the account, and unreserved.
        denied: services whose requests are refused, as their clients' User-Agent names them.
    """

    daemon_threads = True

    def __init__(self, aws: Aws) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.aws = aws
        self.moto = urlsplit(aws.endpoint).netloc
        self.concurrency = (1000, 1000)
        self.denied: set[str] = set()

    def env(self, **more: str) -> dict[str, str]:
        """The environment of a tool that is to find this account, and no other."""
        found = {name: value for name, value in environment().items() if "AWS_" not in name}
        return found | {
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_ENDPOINT_URL": self.url,
            **more,
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Account

    def log_message(self, *_: Any) -> None: ...

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        scope = self.headers.get("Authorization", "").partition("Credential=")[2].split("/")
        service = scope[3] if len(scope) > 3 else ""
        if service in self.server.denied:
            refusal = {"__type": "AccessDeniedException", "message": "no"}
            headers = {"x-amzn-errortype": refusal["__type"]}
            self._send(400, headers, json.dumps(refusal).encode())
        elif self.path.rstrip("/") == SETTINGS_PATH:
            total, free = self.server.concurrency
            limits = {"ConcurrentExecutions": total, "UnreservedConcurrentExecutions": free}
            self._send(200, {}, json.dumps({"AccountLimit": limits, "AccountUsage": {}}).encode())
        else:
            self._pass_on(body)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _pass_on(self, body: bytes) -> None:
        connection = HTTPConnection(self.server.moto, timeout=60)
        # moto knows the service by what was signed, and addresses of queues by the host.
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        content = answer.read()
        skipped = {"connection", "content-length", "transfer-encoding", "server", "date"}
        headers = {k: v for k, v in answer.getheaders() if k.lower() not in skipped}
        connection.close()
        self._send(answer.status, headers, content)

    def _send(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def account(aws: Aws) -> Iterator[Account]:
    """An account in front of a running moto server."""
    server = Account(aws)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def create_stack(aws: Aws, name: str) -> None:
    """A stack with the outputs and functions that the tools ask for; two versions of each."""
    role = aws.client("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST)
    )["Role"]["Arn"]
    functions = {
        resource: {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "PackageType": "Image",
                "Code": {"ImageUri": f"{REPOSITORY}:1"},
                "MemorySize": 3008,
                "Role": role,
            },
        }
        for resource in ("PredictFunction", "BatchFunction")
    }
    queues = {queue: {"Type": "AWS::SQS::Queue"} for queue in ("Queue", "DeadLetters")}
    template = {
        "Resources": functions | queues,
        "Outputs": {queue: {"Value": {"Ref": queue}} for queue in queues},
    }
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))


def deploy_version(aws: Aws, function: str, number: int) -> None:
    """What a deployment does to a function: new code, a version, the alias on it."""
    functions = aws.client("lambda")
    functions.update_function_code(FunctionName=function, ImageUri=f"{REPOSITORY}:{number}")
    version = functions.publish_version(FunctionName=function)["Version"]
    alias = {"FunctionName": function, "Name": "live", "FunctionVersion": version}
    if number == 1:
        functions.create_alias(**alias)
    else:
        functions.update_alias(**alias)
