"""Generators of inputs: bytes on stdin, hostile requests, command lines and environments."""

import json
from typing import Any

from hypothesis import strategies as st

from app.protocol import CHOICES, Params, Source, Span

from ..program import VERSION
from .invariants import KEY, TOKEN, Case

STATIC = {"access_key_id": "AKIAPLANTED", "secret_access_key": KEY, "session_token": TOKEN}
SOURCE = {"bucket_name": "my-bucket", "region_name": "eu-west-1", **STATIC}
ENVIRON = {
    "AWS_ACCESS_KEY_ID": "AKIAPLANTED",
    "AWS_SECRET_ACCESS_KEY": KEY,
    "AWS_SESSION_TOKEN": TOKEN,
}
ACCESS_POINT = "arn:aws:s3:eu-west-1:123456789012:accesspoint/my-point"

# Values of each field that are valid, or nearly so: a request full of mistakes is refused early.
_PLAUSIBLE: dict[str, list[Any]] = {
    "bucket_name": [
        *("my-bucket", "dotted.bucket", "UPPER_case", "a" * 63, "a" * 255),
        *("a.b-.c", "x--x-s3", "my.mrap"),
    ],
    "region_name": [
        *("eu-west-1", "cn-north-1", "us-iso-east-1", "xx-yy-0", "garage"),
        *("-", "a-" * 31 + "b"),
    ],
    "endpoint": [
        *("minio.example.com", "http://10.0.0.5:9000", "https://[::1]:443/a/b/"),
        *("HTTP://h", "x:0", "[", "://", "a..b"),
    ],
    "public_endpoint": ["https://s3.example.com", "10.0.0.5", "http://h/.."],
    "use_path_style": [True, "false"],
    "disable_ssl": [False, "True"],
    "skip_ssl_verification": [True],
    "aws_role_arn": ["arn:aws:iam::123456789012:role/deploy", "deploy"],
    "aws_role_session_name": ["build-7", "a b"],
    "ca_bundle": ["-----BEGIN CERTIFICATE-----\nrubbish", "-----BEGIN CERTIFICATE-----" * 1000],
    "file_path": ["k", "/a//b", "a/../b", "k" * 1024, "ключ/🗝", "?#%&+ ", "\r\n"],
    "s3_uri": ["s3://my-bucket/k", "s3://my-bucket/", "s3://other/k", "s3:///"],
    "version_id": ["null", "L4kqtJlcpXroDTDmpUMLUo"],
    "file_name": ["file.txt", 'a"b\\c', "grüße 🗝.txt", "../../etc/passwd"],
    "response_content_type": ["text/plain; charset=utf-8"],
    "response_expires": [
        "Wed, 21 Oct 2026 07:28:00 GMT",
        "Thu, 21 Oct 2026 07:28:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 GMT",
    ],
    "content_type": ["text/plain"],
    "sse_kms_key_id": ["arn:aws:kms:eu-west-1:123456789012:key/1"],
    "url_file": [
        *("url", "a/b/c", "./url", "../url", "/url", "s3_uri", "expires_at/x", "a/../../b"),
        *("\x00", "a" * 300, "a/" * 300 + "b"),
    ],
}
_DURATIONS: list[Any] = [
    *("90s", "24h", "7d", "1h30m", "8d", "0s", "-1h", "1.5h", "1h1"),
    *("h", "h1", "9" * 31 + "w", "٣h", "1_000", "1e3", "nan"),
    *(3600, 0, -1, 604800, 604801, 1.0, 1.5, 1e308, -0.0, 10**18, 10**4200, True),
]
_HOSTILE_TEXTS = [
    *("", " ", "\x00", "\x1b[31m", "\r\n", "\u2028", "\u202e", "\x7f\x85"),
    *("\ud800", "\udfff\ud800", "null", "{", '"', "\\"),
    *("x" * 2049, "🗝" * 2048, "a/" * 5000, "%s%n{0}", "$(id)", "../" * 20),
    *("((var))", "1" * 5000, "-" * 3000),
]
_RESOLVED_BY_BOTO3 = ("use_dualstack_endpoint", "use_fips_endpoint", "use_accelerate_endpoint")
_FLAGS = [name for name, choice in CHOICES.items() if True in choice]
_UNUSUAL_NUMBERS = [
    *(2**63, 2**64, -(2**63) - 1, 10**400),
    *(float("nan"), float("inf"), float("-inf"), 1e-320, -0.0),
]


def nested(levels: int) -> Any:
    """Return a value of `levels` nested maps and lists."""
    value: Any = "core"
    for level in range(levels):
        value = [value] if level % 2 else {"source": value}
    return value


texts = st.text(max_size=30) | st.sampled_from(_HOSTILE_TEXTS)
numbers = st.integers() | st.floats() | st.sampled_from(_UNUSUAL_NUMBERS)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
) | st.builds(nested, st.integers(50, 150))
spans = st.dictionaries(
    st.sampled_from(Span.__struct_fields__), scalars | st.sampled_from(_DURATIONS), max_size=4
)


def _plausible(name: str) -> st.SearchStrategy[Any]:
    if name in ("expires_in", "max_expires_in"):
        return st.sampled_from(_DURATIONS) | spans
    if name == "files":
        names = st.sampled_from(["a", "b c", "é", ".", "a/b"]) | texts
        entries = st.dictionaries(names, fields_of(Params, {}), max_size=3)
        return entries | st.just({str(number): {"file_path": "k"} for number in range(1001)})
    plausible = _PLAUSIBLE.get("bucket_name" if name == "bucket" else name)
    return st.sampled_from(plausible or [*CHOICES.get(name, ("x",))])


def one_in(number: int) -> st.SearchStrategy[bool]:
    """Draw True once in `number` times."""
    return st.integers(1, number).map(lambda drawn: drawn == number)


@st.composite
def fields_of(
    draw: st.DrawFn, struct: type[Source | Params], base: dict[str, Any]
) -> dict[str, Any]:
    """Draw `base` with a few fields set, some of them hostile, and sometimes one missing."""
    fields = dict(base)
    # boto3 is a hundred times slower, so only `rare_addresses` has addresses that it resolves
    names = st.sampled_from(
        [name for name in struct.__struct_fields__ if name not in _RESOLVED_BY_BOTO3]
    )
    for name in draw(st.lists(names, max_size=3, unique=True)):
        fields[name] = draw(values if draw(one_in(5)) else _plausible(name))
    if draw(one_in(10)):
        fields.pop(draw(names), None)
    if draw(one_in(20)):
        fields[draw(texts)] = draw(values)
    return fields


def _encoded(request: Any, *, ascii_: bool) -> bytes:
    return json.dumps(request, ensure_ascii=ascii_).encode(errors="surrogatepass")


@st.composite
def requests(draw: st.DrawFn) -> Case:
    """Draw a request in JSON with hostile values."""
    request = {
        "source": draw(fields_of(Source, SOURCE)),
        "params": draw(fields_of(Params, {"file_path": "k"})),
        "version": VERSION,
        **draw(st.dictionaries(texts, values, max_size=1)),
    }
    if draw(one_in(3)):
        # the first three have a meaning elsewhere
        names = st.sampled_from(["files", "source", "version", "a", ""])
        contents = st.sampled_from(["1", {}, []]) | values
        version = draw(st.dictionaries(names, contents, min_size=1, max_size=2))
        # with a valid source, because its mistakes would be reported first
        request.update(source=SOURCE, version=version)
    if draw(one_in(8)):
        request[draw(st.sampled_from(["source", "params", "version"]))] = draw(values)
    if draw(one_in(8)):
        del request[draw(st.sampled_from(["source", "params", "version"]))]
    stdin = _encoded(request, ascii_=draw(st.booleans()))
    step = draw(st.sampled_from(["in", "in", "in", "check", "out"]))
    return Case(step, (".",) if step == "in" else (), stdin)


@st.composite
def bytes_on_stdin(draw: st.DrawFn) -> Case:
    """Draw any bytes, or those of a request with pieces removed, repeated or inserted."""
    stdin = draw(st.binary(max_size=100) | requests().map(lambda case: case.stdin))
    for _ in range(draw(st.integers(0, 3))):
        start, length = draw(st.integers(0, max(len(stdin), 1))), draw(st.integers(0, 12))
        stdin = stdin[:start] + draw(st.binary(max_size=8)) + stdin[start + length :]
    step = draw(st.sampled_from(["in", "check", "out"]))
    return Case(step, (".",) if step == "in" else (), stdin)


# Arguments and variables can contain anything except NUL; invalid UTF-8 arrives as surrogates.
_without_nul = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
_hostile_words = [text for text in _HOSTILE_TEXTS if "\0" not in text and text.isascii()]
_hostile_words += ["\udcff", "é\udc80", "🗝" * 2048]
words = st.text(_without_nul, max_size=30) | st.sampled_from(_hostile_words)


def _word(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.replace("\0", "").encode(errors="replace").decode()


@st.composite
def command_lines(draw: st.DrawFn) -> Case:
    """Draw `presign` with valid options, nearly valid ones, and other words."""
    files = ["--files", '{"a":{"file_path":"k"}}']
    objects = st.sampled_from([["s3://my-bucket/k"], [f"s3://{'b' * 63}/"], files, []])
    arguments = [*draw(objects), "--region-name", "eu-west-1"]
    names = {*Source.__struct_fields__, *Params.__struct_fields__} - {*_RESOLVED_BY_BOTO3}
    for name in draw(st.lists(st.sampled_from(sorted(names)), max_size=3)):
        option = "--" + name.replace("_", "-")
        if draw(one_in(8)):
            odd_forms = [option.replace("--", "--no-"), option[:-1], option + "="]
            option = draw(st.sampled_from(odd_forms))
        value = draw(words if draw(one_in(5)) else _plausible(name).map(_word))
        arguments += [option] if name in _FLAGS else [option, value]
    if draw(one_in(5)):
        aws = ["--output=json", "--profile=default", "--no-verify-ssl", "--endpoint-url=h:1"]
        arguments.append(draw(st.sampled_from(aws)))
    if draw(one_in(5)):
        odd = words | st.sampled_from(["--", "-", "--=", "-h", "--help", "--session-token=x"])
        arguments.insert(draw(st.integers(0, len(arguments))), draw(odd))
    return Case("presign", tuple(arguments), environ=ENVIRON)


_VARIABLES = {
    "AWS_ACCESS_KEY_ID": ["AKIAPLANTED", "a b"],
    "AWS_SECRET_ACCESS_KEY": [KEY],
    "AWS_SESSION_TOKEN": [TOKEN],
    "AWS_SECURITY_TOKEN": [TOKEN],
    "AWS_CREDENTIAL_EXPIRATION": [
        *("2026-11-23T20:51:47Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"),
        *("2999-01-01", "20300101T000000Z"),
        *("2030-W01", "now", "1e9", "2030-01-01T00:00:00.123456789Z"),
    ],
    "AWS_REGION": ["eu-west-1", "aws-global"],
    "AWS_DEFAULT_REGION": ["us-east-1", "fips-us-east-1"],
    "AWS_PROFILE": ["default", "nowhere"],
    "AWS_CONFIG_FILE": ["../beside", ".", "/dev/null"],
    "AWS_SHARED_CREDENTIALS_FILE": ["../beside", "..", "/dev/null"],
    "AWS_ENDPOINT_URL": ["http://h:1", "rubbish"],
    "AWS_ENDPOINT_URL_S3": ["http://h:1", "://"],
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": ["true", "maybe"],
    "AWS_USE_FIPS_ENDPOINT": ["true", "maybe"],
    "AWS_USE_DUALSTACK_ENDPOINT": ["true", "maybe"],
    "AWS_RETRY_MODE": ["standard", "rubbish"],
    "AWS_MAX_ATTEMPTS": ["-1", "rubbish"],
    "AWS_DEFAULTS_MODE": ["auto", "rubbish"],
    "AWS_DATA_PATH": ["..", "/"],
    "AWS_CA_BUNDLE": ["../beside", "/nowhere"],
    "AWS_EC2_METADATA_DISABLED": ["true", "false"],
    "S3_PRESIGNED_URL_DEBUG": ["0", "1"],
    "BUILD_ID": ["1"],
    "HOME": ["/nowhere", ".."],
    "HTTPS_PROXY": ["http://h:1", "rubbish"],
    "LC_ALL": ["C", "xx_YY.UTF-8"],
    "TZ": ["rubbish", ":/etc/passwd"],
}
_name_characters = st.characters(exclude_characters="\0=", exclude_categories=["Cs"])
_names = st.text(_name_characters, min_size=1, max_size=10)
_configurations = st.sampled_from(
    [
        *("untouched", "[default]\naws_access_key_id = a\n", "[default]\nregion", "[", "\0"),
        *("[default]\ns3 =\n  x\n", "[profile default]\na=b", "[default]\nendpoint_url = h\n"),
        "[default]\nservices = a\n[services a]\ns3 =\n  endpoint_url = h\nsts = x\n",
    ]
)


@st.composite
def environments(draw: st.DrawFn) -> Case:
    """Draw variables of the program, of boto3, and others; sometimes boto3 resolves the address."""
    environ = dict(ENVIRON)
    for name in draw(st.lists(st.sampled_from(sorted(_VARIABLES)), max_size=5, unique=True)):
        environ[name] = draw(words if draw(one_in(5)) else st.sampled_from(_VARIABLES[name]))
    environ.update(draw(st.dictionaries(_names, words, max_size=1)))
    if draw(one_in(5)):
        del environ[draw(st.sampled_from(sorted(ENVIRON)))]
    dual = ["--use-dualstack-endpoint"] if draw(one_in(10)) else []
    region = [] if draw(one_in(5)) else ["--region-name", "eu-west-1"]
    arguments = ("s3://my-bucket/k", *region, *dual)
    return Case("presign", arguments, environ=environ, beside=draw(_configurations))


_LAMBDA_ACCESS_POINT = ACCESS_POINT.replace("s3", "s3-object-lambda")
_RARE_BUCKETS = [ACCESS_POINT, _LAMBDA_ACCESS_POINT, "x--op-s3", "my-bucket", "a.b"]
_RARE_REGIONS = [
    *("eu-west-1", "aws-global", "fips-us-east-1", "s3-external-1"),
    *("us-east-1-fips", "cn-north-1", "fips-"),
]


@st.composite
def rare_addresses(draw: st.DrawFn) -> Case:
    """Draw addresses for boto3: access points, pseudo-regions, dual-stack, FIPS, acceleration."""
    source: dict[str, Any] = dict(SOURCE)
    parts: list[str] = draw(st.sampled_from(_RARE_BUCKETS)).split(":")
    if draw(one_in(3)):
        known = st.sampled_from(["outpost/o/accesspoint/a", "accesspoint:", "aws-cn"])
        letters = st.text("abzAZ019-_./:", max_size=20) | known
        parts[draw(st.integers(0, len(parts) - 1))] = draw(letters)
    source["bucket_name"] = ":".join(parts)
    source["region_name"] = draw(
        st.text("abcs3-fipw", min_size=1, max_size=12)
        if draw(one_in(4))
        else st.sampled_from(_RARE_REGIONS)
    )
    for name in draw(st.lists(st.sampled_from(_FLAGS), max_size=2, unique=True)):
        source[name] = draw(st.booleans())
    params = {"file_path": "k", "method": draw(st.sampled_from(CHOICES["method"]))}
    step = draw(st.sampled_from(["in", "check", "out"]))
    stdin = _encoded({"source": source, "params": params}, ascii_=True)
    return Case(step, (".",) if step == "in" else (), stdin)


# The seed of a fuzzer of bytes, and words that it is unlikely to guess.
_PLAIN_PARAMS = {"file_path": "k", "expires_in": {"hours": 1}}
PLAIN = _encoded(
    {"source": SOURCE, "params": _PLAIN_PARAMS, "version": VERSION},
    ascii_=True,
)
_OPTIONS = {*Source.__struct_fields__, *Params.__struct_fields__, *Span.__struct_fields__}
WORDS = sorted({*_OPTIONS, "source", "params", "version"})
