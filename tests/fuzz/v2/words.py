"""What is put into a request: names, numbers, spellings and addresses that mean something."""

from tests.fuzz.v2.good import DATATYPES

_NAMES = """
id inputs outputs parameters name shape datatype data contents fp32_contents raw_input_contents
binary_data binary_data_size binary_data_output classification shared_memory_region
shared_memory_offset input output input_0 Input model_name model_version
"""
_OTHER_DATATYPES = "BYTES fp32 FP8 BF16 STRING"
WORDS = (*DATATYPES, *_NAMES.split(), *_OTHER_DATATYPES.split(), "FP32 ")
_SYNTAX = r"""[ ] { } , : " \ null true false [] {} /**/ // ' "\ud800" "\u0000" [[ ]] ],[ ,] ,,"""
TOKENS = (
    *(f'"{word}"'.encode() for word in WORDS),
    *_SYNTAX.encode().split(),
    b"[" * 2_000,
)
_ODD_LENGTHS = "0 00 2 -1 5,5 1_0 none null \u00b2 # +# -# 0# #.0 #e0 #_0 ~"
LENGTHS = (*_ODD_LENGTHS.split(), "", " ", " 0", "# ", "#, #", *("9" * n for n in (15, 16, 5_000)))
_CODINGS = "identity gzip x-gzip deflate GZIP br zstd compress gzip,deflate gzip;q=1 \u00e9 chunked"
ENCODINGS = (*_CODINGS.split(), "", " gzip ", "gzip, gzip", "identity, gzip", "x" * 500)
ACCEPTED = ("", "gzip", "deflate", "gzip;q=0", "*;q=0", "GZIP , br", ";", "," * 90, "gzip" * 90)
TYPES = (
    *("application/json", "application/octet-stream", "text/plain", "application/xml", "é", ""),
    *("application/json; charset=utf-16", "multipart/form-data; boundary=x", "text/xml", "x" * 400),
)
LIES = (
    "0",
    "1",
    "6000001",
    "4500001",
    "-1",
    "",
    "x",
    "\u0663",
    *("9" * n for n in (15, 16, 5_000)),
)
_VERBS = "GET PUT DELETE HEAD OPTIONS PATCH TRACE post"
METHODS = (*_VERBS.split(), "", "POST ", "X" * 300)
_ADDRESSES = """
/ /v2 /v2/ /v2// /v2/models /v2/models/ /v2/models//infer /V2 v2 /v2? /v2;/models
/v2/models/dense/infer/ /v2/models/dense//infer //v2/models/dense/infer /v2/models/dense/infer?x=1
/v2/models/dense/versions /v2/models/dense/versions/1 /v2/models/dense/versions//infer
/v2/models/dense/versions/2/infer /v2/models/%64ense/infer /v2/models/dense%2Finfer
/v2/models/../models/dense/infer /v2/models/dense/infer%0A /v2/models/%FF/infer
/v2/models/%00/infer /v2/models/é/infer /v2/models/%ED%A0%80 /v2/models/\ud800/infer /v2/\ud800
/v2/health /v2/health/live/ /v2/health/READY /v2/repository/index /v2/models/dense/config
/v2/models/dense/generate
"""
PATHS = (
    *_ADDRESSES.split(),
    *("", "/v2/models/dense/infer\n", "/v2/models/\n/infer", "/v2\n", "/v2/" + "b" * 3_000),
    *("/v2/models/" + "a" * 200 + "/infer", "/v2/models/dense/versions/" + "1" * 200 + "/infer"),
)
TAILS = tuple(
    bytes.fromhex(digits)
    for digits in (
        "0000c07f",  # NaN, of 32 bits
        "0000807f",
        "000080ff",
        "01000000",
        "ffff7f7f",
        "007e",  # NaN, of 16
        "007c",
        "000000000000f87f",  # NaN, of 64
        "000000000000f07f",
        "ffffffffffffffff",
        "0100000000002000",  # 2**53 + 1
        "ffffffffffffff7f",  # 2**63 - 1
        "0100000000000080",
        "ffffffffffffef7f",
        "02",
        "0000000000000000",
    )
)
