"""What is put into an event: the names of its members, and values that are none of theirs."""

_NAMES = """
version resource path httpMethod headers multiValueHeaders queryStringParameters requestContext
multiValueQueryStringParameters http method sourceIp identity elb rawPath rawQueryString cookies
body isBase64Encoded routeKey stage requestId host x-forwarded-port x-forwarded-proto content-type
content-length content-encoding accept-encoding transfer-encoding Records cf request clientIp uri
messageId receiptHandle attributes ApproximateReceiveCount eventSource eventSourceARN detail
detail-type Event s3 object key bucket name eventName messageAttributes md5OfBody awsRegion
pathParameters domainName authorizer inference-header-content-length expect Host HOST cookie
"""
_VALUES = """
2.0 1.0 3.0 POST GET DELETE / /predictions /uploads /v2 true null a:b:c a:b a:99999 [::1]:8080 ::
:443 443 -1 1e3 99999999999999999999 http https gzip application/xml s3:TestEvent aws:s3
uploads/packed.gz uploads/long.xml documents $default %00 %FF \u0663 \ud800 \u0000 \r\n é 😀
/predictions/done.xml /predictions/ //predictions /predictions/../limits /predictions/%2e%2e
/v2/models/dense/infer /v2/%ff /openapi.json /docs /%ED%A0%80 chunked 100-continue
"""
WORDS = (*_NAMES.split(), *_VALUES.split(), "", " ", "a b", "x" * 3_000, "\ud800", "a\r\nb: c")
# Where a member is, from the event on.
PLACES: tuple[tuple[str | int, ...], ...] = (
    *((name,) for name in ("version", "resource", "path", "httpMethod", "headers", "body")),
    *((name,) for name in ("rawPath", "rawQueryString", "cookies", "isBase64Encoded", "Records")),
    *((name,) for name in ("multiValueHeaders", "queryStringParameters", "requestContext")),
    ("multiValueQueryStringParameters",),
    *(("requestContext", name) for name in ("http", "elb", "identity", "requestId", "stage")),
    *(("requestContext", "http", name) for name in ("method", "path", "sourceIp", "protocol")),
    ("requestContext", "identity", "sourceIp"),
    *(("headers", name) for name in ("host", "x-forwarded-port", "x-forwarded-proto", "Host")),
    *(("headers", name) for name in ("content-type", "content-length", "content-encoding")),
    *(("headers", name) for name in ("accept-encoding", "cookie", "", "\ud800", "x-forwarded-for")),
    *(("multiValueHeaders", name) for name in ("host", "content-type", "x-forwarded-port", "a")),
    *(("queryStringParameters", name) for name in ("q", "\ud800")),
    ("multiValueQueryStringParameters", "q"),
    *(("Records", 0, name) for name in ("messageId", "receiptHandle", "body", "attributes", "cf")),
    *(("Records", 0, name) for name in ("eventSource", "messageAttributes", "eventSourceARN")),
    ("Records", 0, "attributes", "ApproximateReceiveCount"),
    ("Records", 0),
)
# Written as they stand: JSON, or what Lambda's reader takes for it.
VALUES = (
    *("null", "true", "false", "0", "1", "-1", "2.5", "NaN", "1e999", "[]", "{}", '""', '" "'),
    *('"2.0"', '"1.0"', '"3"', "2.0", "[null]", "[[]]", "[1, 2]", '["a", null]', '{"a": null}'),
    *('{"a": 1}', '{"": []}', '["a=b", 1]', '"a:b:c"', '"[::1]:8080"', '"h:"', '":"', '"h:x"'),
    *('"h:-1"', '"h:99999999"', '"\\u0664\\u0664"', '"\\ud800"', '"\\u0000"', '"\\r\\n"', '"é"'),
    *('"POST"', '"get"', '"%"', '"/"', '"/predictions"', '"' + "9" * 5_000 + '"', "9" * 400),
    *('"x"', '"true"', '"AAAA"', '"A"', '{"http": {}}', '{"http": null}', '[{"cf": {}}]', '"443"'),
    *('[{"cf": {"request": {}}}]', '{"elb": {}}', '{"http": {"method": "GET", "path": "/v2"}}'),
    "[" * 100 + "]" * 100,
)
