"""Who reaches the API: authorizers, throttling, other origins, ways past it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.contract.rules.deployments import Deployment, deployments
from tests.contract.rules.evaluation import Template
from tests.support.template import references

OPEN = {f"GET {prefix}/health/{end}" for prefix in ("", "/v2") for end in ("live", "ready")}
METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}
ANY_METHOD = "x-amazon-apigateway-any-method"
# What API Gateway gives an account in a region; more is not a limit.
ACCOUNT_RATE, ACCOUNT_BURST = 10_000, 5_000
API = "AWS::Serverless::HttpApi"


@dataclass(frozen=True)
class Route:
    """A method and path of an API, who decides on it (or nobody), and the scopes that are asked."""

    where: str
    key: str
    authorizer: str | None
    scopes: tuple[str, ...] = ()


def routes(deployment: Deployment) -> Iterator[Route]:
    """All routes, from the functions' events and from the APIs' own definitions."""
    for name, function in deployment.functions.items():
        for event in function["Properties"].get("Events", {}).values():
            if event["Type"] == "HttpApi":
                yield _of_event(deployment, name, event.get("Properties", {}))
    for name, api in deployment.of_type(API).items():
        yield from _of_definition(name, api["Properties"].get("DefinitionBody", {}))
    for name, route in deployment.of_type("AWS::ApiGatewayV2::Route").items():
        kind = route["Properties"].get("AuthorizationType", "NONE")
        yield Route(name, route["Properties"]["RouteKey"], None if kind == "NONE" else kind)


def answering(deployment: Deployment) -> set[str]:
    """The functions that an API waits for."""
    definitions = list(deployment.of_type(API).values())
    named = {name.partition(".")[0] for _, name in references(definitions)}
    events = {
        name
        for name, function in deployment.functions.items()
        for event in function["Properties"].get("Events", {}).values()
        if event["Type"] == "HttpApi"
    }
    return events | (named & deployment.functions.keys())


def _of_event(deployment: Deployment, name: str, event: dict[str, Any]) -> Route:
    """A route of a function, with what its API says of all routes."""
    api = event.get("ApiId", {})
    declared = deployment.resources.get(api.get("Ref", ""), {}).get("Properties", {})
    auth = event.get("Auth", {})
    chosen = auth.get("Authorizer", declared.get("Auth", {}).get("DefaultAuthorizer", "NONE"))
    key = f"{event.get('Method', 'ANY').upper()} {event.get('Path', '$default')}"
    scopes = tuple(auth.get("AuthorizationScopes", []))
    return Route(name, key, None if chosen == "NONE" else chosen, scopes)


def _of_definition(name: str, body: dict[str, Any]) -> Iterator[Route]:
    """The routes of an OpenAPI document; `security: []` opens one."""
    for path, methods in body.get("paths", {}).items():
        for method, operation in methods.items():
            if method in METHODS or method == ANY_METHOD:
                security = operation.get("security", body.get("security", []))
                chosen = [
                    (scheme, tuple(asked)) for one in security for scheme, asked in one.items()
                ]
                verb = "ANY" if method == ANY_METHOD else method.upper()
                scheme, scopes = chosen[0] if chosen else (None, ())
                yield Route(name, f"{verb} {path}", scheme, scopes)


@dataclass(frozen=True)
class Authorizer:
    """Who decides on requests: "iam", or "jwt" by tokens of an issuer for an audience."""

    kind: str
    issuer: str = ""
    audience: tuple[str, ...] = ()


def authorizers(deployment: Deployment) -> dict[str, Authorizer]:
    """All that APIs declare, by name."""
    found: dict[str, Authorizer] = {}
    for api in deployment.of_type(API).values():
        auth = api["Properties"].get("Auth", {})
        if auth.get("EnableIamAuthorizer") is True:
            found["AWS_IAM"] = Authorizer("iam")
        for name, own in auth.get("Authorizers", {}).items():
            found[name] = _of_tokens(own.get("JwtConfiguration", {}))
        components = api["Properties"].get("DefinitionBody", {}).get("components", {})
        for name, scheme in components.get("securitySchemes", {}).items():
            declared = scheme.get("x-amazon-apigateway-authorizer", {})
            if scheme.get("x-amazon-apigateway-authtype") == "awsSigv4":
                found[name] = Authorizer("iam")
            elif declared.get("type") == "jwt":
                found[name] = _of_tokens(declared.get("jwtConfiguration", {}))
    return found


def _of_tokens(settings: dict[str, Any]) -> Authorizer:
    audience = tuple(one for one in settings.get("audience", []) if one)
    return Authorizer("jwt", settings.get("issuer", ""), audience)


def only_health_is_open(template: Template) -> Iterator[str]:
    """Whether the service lives and is ready is for all to see, the rest for those let in."""
    for deployment in deployments(template):
        found = list(routes(deployment))
        if not found:
            yield deployment.tell("no route at all")
        for route in found:
            if route.authorizer is None and route.key not in OPEN:
                yield deployment.tell(f"{route.where}: {route.key} is open")


def authorizers_are_what_is_chosen(template: Template) -> Iterator[str]:
    """Tokens of the issuer that is given, for the audience and the scope; else IAM."""
    for deployment in deployments(template):
        issuer, scope = (deployment.chosen.get(key, "") for key in ("JwtIssuer", "JwtScope"))
        declared = authorizers(deployment)
        closed = [route for route in routes(deployment) if route.authorizer is not None]
        if not closed:
            yield deployment.tell("no route that anybody decides on")
        for route in closed:
            told = f"{route.where}: {route.key}"
            found = declared.get(str(route.authorizer), Authorizer("nobody"))
            if found.kind != ("jwt" if issuer else "iam"):
                yield deployment.tell(f"{told} is decided by {found.kind}")
            elif issuer and (found.issuer != issuer or not found.audience):
                yield deployment.tell(f"{told} takes tokens of others, or for others")
            elif scope and scope not in route.scopes:
                yield deployment.tell(f"{told} takes tokens without the scope")


def requests_are_throttled(template: Template) -> Iterator[str]:
    """Less than the account's own limits, or one stack takes them all; and not nothing."""
    for deployment in deployments(template):
        for name, stage in _stages(deployment):
            settings = stage.get("DefaultRouteSettings", {})
            for key, most in (
                ("ThrottlingRateLimit", ACCOUNT_RATE),
                ("ThrottlingBurstLimit", ACCOUNT_BURST),
            ):
                if not 0 < settings.get(key, 0) < most:
                    yield deployment.tell(f"{name}: {key} is {settings.get(key, 'not set')}")


def _stages(deployment: Deployment) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in (API, "AWS::ApiGatewayV2::Stage"):
        for name, stage in deployment.of_type(kind).items():
            yield name, stage["Properties"]


def other_origins_are_named(template: Template) -> Iterator[str]:
    """No page of anybody's sends requests with a visitor's browser."""
    for deployment in deployments(template):
        for name, api in deployment.resources.items():
            properties = api.get("Properties", {})
            cors = properties.get("CorsConfiguration", False)
            origins = cors.get("AllowOrigins", []) if isinstance(cors, dict) else ["*"] * bool(cors)
            if any("*" in str(origin) for origin in origins):
                yield deployment.tell(f"{name}: any origin (CORS)")


def nothing_goes_past_the_api(template: Template) -> Iterator[str]:
    """A function's own address has no throttle and no access log; other accounts have no way in."""
    for deployment in deployments(template):
        for name, function in deployment.functions.items():
            if "FunctionUrlConfig" in function["Properties"]:
                yield deployment.tell(f"{name}: has an address of its own")
        for name in deployment.of_type("AWS::Lambda::Url"):
            yield deployment.tell(f"{name}: an address past the API")
        for name, permission in deployment.of_type("AWS::Lambda::Permission").items():
            of = permission["Properties"]
            service = str(of.get("Principal", "*")).endswith(".amazonaws.com")
            if not service or not {"SourceArn", "SourceAccount"} & of.keys():
                yield deployment.tell(f"{name}: more than one service of this account may invoke")
