"""An API that more people reach, or that nobody slows down."""

from tests.contract.rules import routes
from tests.contract.weakenings.change import Weakening, drop, of, put

ROUTES = of("Api", "DefinitionBody", "paths")
CLOSED = (*ROUTES, "/{proxy+}", "x-amazon-apigateway-any-method")
SCHEMES = of("Api", "DefinitionBody", "components", "securitySchemes", "Fn::If")
JWT = (*SCHEMES, 1, "Token", "x-amazon-apigateway-authorizer", "jwtConfiguration")

API = [
    Weakening(
        "every route open",
        routes.only_health_is_open,
        "Api: ANY /{proxy+}",
        drop(*CLOSED, "security"),
    ),
    Weakening(
        "open where there is no issuer",
        routes.only_health_is_open,
        "Api: ANY /{proxy+}",
        put(*CLOSED, "security", "Fn::If", 2, value=[]),
    ),
    Weakening(
        "open where there is an issuer",
        routes.only_health_is_open,
        "JwtIssuer",
        put(*CLOSED, "security", "Fn::If", 1, value=[]),
    ),
    Weakening(
        "one more open route",
        routes.only_health_is_open,
        "Api: GET /metrics",
        put(*ROUTES, "/metrics", value={"get": {"security": []}}),
    ),
    Weakening(
        "all of health open",
        routes.only_health_is_open,
        "Api: GET /health/{proxy+}",
        put(*ROUTES, "/health/{proxy+}", value={"get": {"security": []}}),
    ),
    Weakening(
        "health open for every method",
        routes.only_health_is_open,
        "Api: ANY /health/live",
        put(*ROUTES, "/health/live", value={"x-amazon-apigateway-any-method": {"security": []}}),
    ),
    Weakening(
        "a route of a function, and no default",
        routes.only_health_is_open,
        "PredictFunction: POST /open",
        put(
            *of("PredictFunction", "Events"),
            value={
                "Open": {
                    "Type": "HttpApi",
                    "Properties": {"ApiId": {"Ref": "Api"}, "Path": "/open", "Method": "POST"},
                }
            },
        ),
    ),
    Weakening(
        "IAM in spite of an issuer",
        routes.authorizers_are_what_is_chosen,
        "JwtIssuer",
        put(*CLOSED, "security", value=[{"AWS_IAM": []}]),
    ),
    Weakening(
        "an authorizer that nobody declared",
        routes.authorizers_are_what_is_chosen,
        "Api: ANY /{proxy+}",
        put(*SCHEMES, 2, value={}),
    ),
    Weakening(
        "an API key in the place of a signature",
        routes.authorizers_are_what_is_chosen,
        "Api: ANY /{proxy+}",
        drop(*SCHEMES, 2, "AWS_IAM", "x-amazon-apigateway-authtype"),
    ),
    Weakening(
        "tokens for any audience",
        routes.authorizers_are_what_is_chosen,
        "JwtAudience",
        drop(*JWT, "audience"),
    ),
    Weakening(
        "tokens of another issuer",
        routes.authorizers_are_what_is_chosen,
        "JwtIssuer",
        put(*JWT, "issuer", value="https://elsewhere.example"),
    ),
    Weakening(
        "tokens without the scope",
        routes.authorizers_are_what_is_chosen,
        "JwtScope",
        put(*CLOSED, "security", "Fn::If", 1, value=[{"Token": []}]),
    ),
    Weakening(
        "an issuer may come without an audience",
        routes.authorizers_are_what_is_chosen,
        "JwtIssuer",
        drop("Rules", "JwtIsWhole"),
    ),
    Weakening(
        "no throttling",
        routes.requests_are_throttled,
        "Api: ThrottlingRateLimit",
        drop(*of("Api", "DefaultRouteSettings")),
    ),
    Weakening(
        "throttling that an operator may turn off",
        routes.requests_are_throttled,
        "ThrottleBurst",
        put("Parameters", "ThrottleBurst", "MaxValue", value=1_000_000),
    ),
    Weakening(
        "any origin",
        routes.other_origins_are_named,
        "Api",
        put(*of("Api", "CorsConfiguration"), value={"AllowOrigins": ["*"]}),
    ),
    Weakening(
        "any origin, in short",
        routes.other_origins_are_named,
        "Api",
        put(*of("Api", "CorsConfiguration"), value=True),
    ),
    Weakening(
        "an address of the function, for all",
        routes.nothing_goes_past_the_api,
        "PredictFunction",
        put(*of("PredictFunction", "FunctionUrlConfig"), value={"AuthType": "NONE"}),
    ),
    Weakening(
        "any API of any account starts the function",
        routes.nothing_goes_past_the_api,
        "ApiPermission",
        drop(*of("ApiPermission", "SourceArn")),
    ),
    Weakening(
        "anybody starts the function",
        routes.nothing_goes_past_the_api,
        "ApiPermission",
        put(*of("ApiPermission", "Principal"), value="*"),
    ),
]
