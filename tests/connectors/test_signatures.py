"""Signatures of webhooks: each vendor's rule over its published or computed values, and every way to get them wrong."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr, ValidationError

from connectors.contract import Inbound
from connectors.errors import WebhookRefused
from connectors.signatures import Signature, identify, sign, verify

JDY = {
    "scheme": "sha1",
    "header": "X-JDY-Signature",
    "signed": "{nonce}:{body}:{secret}:{timestamp}",
    "timestamp": {"query": "timestamp"},
    "nonce": {"query": "nonce"},
    "id": {"header": "X-JDY-DeliverId"},
}
HUBSPOT = {
    "scheme": "hmac-sha256",
    "header": "X-HubSpot-Signature-v3",
    "encoding": "base64",
    "signed": "{method}{url}{body}{timestamp}",
    "timestamp": {"header": "X-HubSpot-Request-Timestamp", "unit": "milliseconds"},
}
HUBSPOT_OLD = {"scheme": "sha256", "header": "X-HubSpot-Signature"}
STRIPE = {
    "scheme": "hmac-sha256",
    "header": "Stripe-Signature",
    "part": "v1",
    "signed": "{timestamp}.{body}",
    "timestamp": {"header": "Stripe-Signature", "part": "t"},
    "id": {"field": "id"},
}
XERO = {"scheme": "hmac-sha256", "header": "x-xero-signature", "encoding": "base64"}
FRAPPE = {
    "scheme": "hmac-sha256",
    "header": "X-Frappe-Webhook-Signature",
    "encoding": "base64",
    "id": [{"field": "doctype"}, {"field": "name"}, {"field": "status"}],
}
INTUIT = {"scheme": "hmac-sha256", "header": "intuit-signature", "encoding": "base64"}
TYPEFORM = {"scheme": "hmac-sha256", "header": "Typeform-Signature", "encoding": "base64", "prefix": "sha256="}
META = {"scheme": "hmac-sha256", "header": "X-Hub-Signature-256", "prefix": "sha256="}
KINGDEE = {"scheme": "hmac-sha256", "header": "X-Kd-Signature", "encoding": "base64-hex"}
STANDARD = {"scheme": "standard-webhooks"}
WHSEC = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

JDY_BODY = (
    '{"op":"data_update","opTime":1767225600123,"data":{"_id":"65a1b2c3d4e5f60718293a4b","appId":"app1",'
    '"entryId":"frm1","_widget_1":"华东商机","amount":1200.5}}'
)
HUBSPOT_BODY = (
    '[{"eventId":1,"subscriptionId":2,"portalId":3,"occurredAt":1767225600000,"subscriptionType":"deal.propertyChange",'
    '"attemptNumber":0,"objectId":4,"propertyName":"dealstage","propertyValue":"closedwon"}]'
)
HUBSPOT_URL = "https://hooks.example.com/in/hubspot?tenant=a"
ESCAPED_URL = "https://hooks.example.com/in/hubspot?redirect=https%3A%2F%2Fa.example%2Fx"
HUBSPOT_DOCS_BODY = (
    '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":'
    '"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]'
)
FRAPPE_BODY = (
    '{"doctype": "Sales Order", "name": "SAL-ORD-2026-00001", "status": "To Deliver and Bill", "grand_total": 1234.5, '
    '"customer_name": "M\\u00fcller"}'
)
INTUIT_BODY = (
    '[{"specversion":"1.0","id":"e1","source":"intuit.test","type":"qbo.invoice.updated.v1","datacontenttype":'
    '"application/json","time":"2026-01-02T03:04:05Z","intuitentityid":"95","intuitaccountid":"310687","data":{}}]'
)
TYPEFORM_BODY = (
    '{"event_id":"01EXAMPLE","event_type":"form_response","form_response":{"form_id":"lT4Z3j","token":'
    '"a3a12ec67a1365927098a606107fac15","submitted_at":"2026-01-01T00:00:00Z","answers":[]}}'
)
META_BODY = (
    '{"object":"page","entry":[{"id":"1001","time":1767225600,"changes":[{"field":"leadgen","value":{"leadgen_id":'
    '"444","page_id":"1001","form_id":"555","created_time":1767225600}}]}]}'
)
XERO_BODY = '{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"S0m3r4Nd0mt3xt"}'
STANDARD_BODY = '{"type":"lead.created","timestamp":"2026-01-01T00:00:00Z","data":{"id":"L-1"}}'
STRIPE_BODY = '{"id":"evt_test","object":"event","type":"invoice.paid"}'


def request(body: str = "", headers: Any = None, url: str = "") -> Inbound:
    """A request as the receiver makes it."""
    named = {name.lower(): value for name, value in (headers or {}).items()}
    return Inbound(named, dict(parse_qsl(urlsplit(url).query)), body.encode(), "POST", url)


def standard(message: str, timestamp: int, signature: str, body: str = STANDARD_BODY) -> Inbound:
    """A request of Standard Webhooks."""
    headers = {"webhook-id": message, "webhook-timestamp": str(timestamp), "webhook-signature": signature}
    return request(body, headers)


VECTORS = {
    "jiandaoyun": (
        *(JDY, "jdy-demo-secret", 1767225600),
        request(
            JDY_BODY,
            {"X-JDY-Signature": "03d4942ac939edbbddbc52be70e8650f2b3bd555", "X-JDY-DeliverId": "d1"},
            "https://hooks.example.com/?nonce=0f5ade&timestamp=1767225600",
        ),
    ),
    "hubspot v3": (
        *(HUBSPOT, "hs-demo-client-secret", 1767225600),
        request(
            HUBSPOT_BODY,
            {
                "X-HubSpot-Signature-v3": "0MZQdtMZbHot8JtzPEvWch/t6lMGFIpgQ/GAWTkUzf8=",
                "X-HubSpot-Request-Timestamp": "1767225600000",
            },
            HUBSPOT_URL,
        ),
    ),
    "hubspot v3, escaped address": (
        *({**HUBSPOT, "signed": "{method}{url_decoded}{body}{timestamp}"}, "hs-demo-client-secret", 1767225600),
        request(
            HUBSPOT_BODY,
            {
                "X-HubSpot-Signature-v3": "y159P7hl4u4IMMhBfeXCPvyFxLRISoZ9bkxpK1JTzwQ=",
                "X-HubSpot-Request-Timestamp": "1767225600000",
            },
            ESCAPED_URL,
        ),
    ),
    "hubspot v2": (
        *({**HUBSPOT_OLD, "signed": "{secret}{method}{url}{body}"}, "hs-demo-client-secret", 0),
        request(
            HUBSPOT_BODY,
            {"X-HubSpot-Signature": "681332fdd3f913fee0d6701016d7f12e1c842688904d724e1ee4fe81bb7ad0bb"},
            HUBSPOT_URL,
        ),
    ),
    "hubspot v1": (
        *({**HUBSPOT_OLD, "signed": "{secret}{body}"}, "hs-demo-client-secret", 0),
        request(
            HUBSPOT_BODY, {"X-HubSpot-Signature": "475bbf89f81f96193e3127a7a07ebb3b03674296f4f4858211fc0fa26d62aae8"}
        ),
    ),
    "hubspot v1, the vendor's example": (
        *({**HUBSPOT_OLD, "signed": "{secret}{body}"}, "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", 0),
        request(
            HUBSPOT_DOCS_BODY,
            {"X-HubSpot-Signature": "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"},
        ),
    ),
    "stripe": (
        *(STRIPE, "whsec_test_secret", 1700000000),
        request(
            STRIPE_BODY,
            {"Stripe-Signature": "t=1700000000,v1=02b5890a3376a18a176fde670ba47bc920bc30c6ae0deb7adf58049a4ead9aff"},
        ),
    ),
    "xero": (
        *(XERO, "xero-test-signing-key", 0),
        request(XERO_BODY, {"x-xero-signature": "QU7w+/OmMvpGwsvnnp3wgjtuDg4PZFlubPaLoq5i4+E="}),
    ),
    "frappe": (
        *(FRAPPE, "frappe-test-secret", 0),
        request(FRAPPE_BODY, {"X-Frappe-Webhook-Signature": "xQN+uk16eEtAE5sanLyrlJVdUnc16mvgCiFBsLHG1tA="}),
    ),
    "quickbooks": (
        *(INTUIT, "qbo-test-verifier-token", 0),
        request(INTUIT_BODY, {"intuit-signature": "aFyw8zzHZyYAdczNy7dE9H+q491kpHcX4VTYwKUo3kQ="}),
    ),
    "typeform": (
        *(TYPEFORM, "tf-demo-secret", 0),
        request(TYPEFORM_BODY, {"Typeform-Signature": "sha256=+6cnJab/mMSnOqKhdd8XPl5yLp+wA6mTosqnf+gidGc="}),
    ),
    "meta": (
        *(META, "meta-demo-app-secret", 0),
        request(
            META_BODY,
            {"X-Hub-Signature-256": "sha256=331fe7f228b67bcd54cce4d3c632b50b5d864e2bbc706c82e01935d029db200a"},
        ),
    ),
    "meta, escaped": (
        *(META, "meta-demo-app-secret", 0),
        request(
            '{"object":"page","note":"caf\\u00e9"}',
            {"X-Hub-Signature-256": "sha256=e64adc7f00852f713a7d1ce5ebf693e94805ac98f8fd76415dd096d2c9362090"},
        ),
    ),
    "kingdee": (
        *(KINGDEE, "demoappsecret0000000000000000000", 0),
        request(
            "100001_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXacct001,demo,2052,0",
            {
                "X-Kd-Signature": "MGM1ZTlmN2RkYWM5ZTlhNjQ0N2Q1MGQ2OGRmNThjOTI1ZGM2ODgyOGQ2NjcxY2RjMDFlODNiMDU0ZDYwNTlk"
                "MA=="
            },
        ),
    ),
    "standard webhooks": (
        *(STANDARD, WHSEC, 1767225600),
        standard("msg_demo_0001", 1767225600, "v1,msyNVamW0FivICw/i5sVBTgiXsobQk/Bv8yQiedNKF8="),
    ),
    "standard webhooks, the specification's own": (
        *(STANDARD, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1614265330),
        standard(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            '{"test": 2432232314}',
        ),
    ),
}


def check(spec: Any, secrets: str | list[str], at: float, asked: Inbound) -> None:
    """Verify a request as if it came at ``at``, in seconds since 1970."""
    known = [secrets] if isinstance(secrets, str) else secrets
    moment = datetime.fromtimestamp(at, UTC)
    verify(Signature.model_validate(spec), [SecretStr(secret) for secret in known], asked, moment)


@pytest.mark.parametrize("vendor", VECTORS)
def test_a_vendors_signature_is_recognised_and_can_be_made(vendor: str) -> None:
    spec, secret, at, asked = VECTORS[vendor]
    check(spec, secret, at, asked)
    signature = Signature.model_validate(spec)
    shown = signature.place.text(asked)
    assert sign(signature, secret, asked) == shown


@pytest.mark.parametrize("vendor", VECTORS)
def test_a_changed_body_another_secret_and_no_signature_are_refused(vendor: str) -> None:
    spec, secret, at, asked = VECTORS[vendor]
    for body in (asked.body + b" ", asked.body[:-1], b"", asked.body.swapcase()):
        changed = Inbound(asked.headers, asked.query, body, asked.method, asked.url)
        with pytest.raises(WebhookRefused, match="signature is wrong"):
            check(spec, secret, at, changed)
    other = secret[:-2] + ("A=" if secret.endswith("=") else "zz")
    with pytest.raises(WebhookRefused):
        check(spec, other, at, asked)
    with pytest.raises(WebhookRefused, match="signature is wrong"):
        check(spec, secret, at, Inbound({}, asked.query, asked.body, asked.method, asked.url))


@pytest.mark.parametrize("vendor", VECTORS)
def test_without_a_secret_nobody_is_believed(vendor: str) -> None:
    spec, _, at, asked = VECTORS[vendor]
    for secrets in ([], [""]):
        with pytest.raises(WebhookRefused, match="`webhook_secret` is not set"):
            check(spec, secrets, at, asked)


@pytest.mark.parametrize("vendor", ["jiandaoyun", "hubspot v3", "stripe", "standard webhooks"])
def test_what_is_too_old_or_from_the_future_is_refused(vendor: str) -> None:
    spec, secret, at, asked = VECTORS[vendor]
    for distance in (299, -299):
        check(spec, secret, at + distance, asked)
    for distance in (302, -302, 10**9):
        with pytest.raises(WebhookRefused, match="too old, or from the future"):
            check(spec, secret, at + distance, asked)


@pytest.mark.parametrize("told", ["", "soon", "-1", "1e9", "٣٣٣", "9" * 30])
def test_a_time_that_is_none_is_refused_even_if_it_is_signed(told: str) -> None:
    spec = Signature.model_validate(STRIPE)
    unsigned = request(STRIPE_BODY, {"Stripe-Signature": f"t={told}"})
    value = f"t={told},v1={sign(spec, 'k', unsigned)}"
    with pytest.raises(WebhookRefused, match="too old"):
        check(STRIPE, "k", 0, request(STRIPE_BODY, {"Stripe-Signature": value}))


def test_a_time_may_be_written_as_a_date() -> None:
    spec = {**XERO, "signed": "{timestamp}.{body}", "timestamp": {"header": "at", "unit": "iso"}}
    for told, fits in (("2026-01-01T00:00:00Z", True), ("2026-01-01T08:04:00+08:00", True), ("2026-01-01", True)):
        asked = request("{}", {"at": told})
        signed = request("{}", {"at": told, "x-xero-signature": sign(Signature.model_validate(spec), "k", asked)})
        check(spec, "k", 1767225600, signed)
        with pytest.raises(WebhookRefused, match="too old"):
            check(spec, "k", 1767225600 + 1000, signed)
        assert fits


def test_while_a_secret_is_replaced_both_are_taken() -> None:
    spec, secret, at, asked = VECTORS["xero"]
    for secrets in ([secret, "new"], ["new", secret]):
        check(spec, secrets, at, asked)
    with pytest.raises(WebhookRefused):
        check(spec, ["new", "newer"], at, asked)


def test_of_several_signatures_in_one_header_one_that_is_right_is_enough() -> None:
    _, secret, at, asked = VECTORS["stripe"]
    right = asked.headers["stripe-signature"]
    time, value = right.split(",")
    for header in (f"{time},v1={'0' * 64},{value}", f"{right},v1={'0' * 64},v0=abc", f"{time}, {value}"):
        check(STRIPE, secret, at, request(STRIPE_BODY, {"Stripe-Signature": header}))
    for header in (f"{time},{value.replace('v1', 'v0')}", f"{time},{time},{value}", value, time):
        with pytest.raises(WebhookRefused):
            check(STRIPE, secret, at, request(STRIPE_BODY, {"Stripe-Signature": header}))


def test_standard_webhooks_pass_over_what_they_do_not_know() -> None:
    right = "v1,msyNVamW0FivICw/i5sVBTgiXsobQk/Bv8yQiedNKF8="
    at = 1767225600
    for header in (f"v2,xxxx {right}", f"{right} v1a,abcd", f"nonsense {right}", f"v1,{'A' * 43}= {right}"):
        check(STANDARD, WHSEC, at, standard("msg_demo_0001", at, header))
    for header in ("v1,", "v1", right.replace("v1,", "v1a,"), right.replace("v1,", ""), "v1,!!!", f"v1,{right}"):
        with pytest.raises(WebhookRefused, match="signature is wrong"):
            check(STANDARD, WHSEC, at, standard("msg_demo_0001", at, header))


def test_standard_webhooks_may_be_signed_with_a_private_key() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = "whpk_" + base64.b64encode(private.public_key().public_bytes_raw()).decode()
    at = 1767225600
    made = private.sign(f"m1.{at}.{STANDARD_BODY}".encode())
    header = "v1a," + base64.b64encode(made).decode()
    check(STANDARD, public, at, standard("m1", at, header))
    check(STANDARD, [WHSEC, public], at, standard("m1", at, f"v1,AAAA {header}"))
    for wrong in (header.replace("v1a", "v1"), "v1a," + base64.b64encode(made[::-1]).decode(), "v1a,", ""):
        with pytest.raises(WebhookRefused, match="signature is wrong"):
            check(STANDARD, public, at, standard("m1", at, wrong))
    with pytest.raises(WebhookRefused, match="signature is wrong"):
        check(STANDARD, public, at, standard("m2", at, header))


def test_an_id_that_could_be_taken_for_more_is_refused() -> None:
    spec = Signature.model_validate(STANDARD)
    at = 1767225600
    split = standard(f"m1.{at}", at, "")
    with pytest.raises(WebhookRefused, match="separates"):
        sign(spec, WHSEC, split)


def test_ed25519_of_any_template_in_hex() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    spec = {
        "scheme": "ed25519",
        "header": "x-signature-ed25519",
        "key": "hex",
        "signed": "{timestamp}{body}",
        "timestamp": {"header": "x-signature-timestamp"},
    }
    public = private.public_key().public_bytes_raw().hex()
    headers = {"x-signature-timestamp": "100", "x-signature-ed25519": private.sign(b"100{}").hex()}
    check(spec, public, 100, request("{}", headers))
    with pytest.raises(WebhookRefused, match="signature is wrong"):
        check(spec, public, 100, request("[]", headers))
    with pytest.raises(WebhookRefused, match="not what its scheme needs"):
        check(spec, "abcd", 100, request("{}", headers))


@pytest.mark.parametrize("algorithm", ["sha1", "sha512"])
def test_other_hashes_and_keys_in_hex(algorithm: str) -> None:
    spec = {"scheme": f"hmac-{algorithm}", "query": "sign", "key": "hex", "key_prefix": "key_"}
    made = sign(Signature.model_validate(spec), "key_00ff", request("{}"))
    assert len(made) == {"sha1": 40, "sha512": 128}[algorithm]
    for shown in (made, made.upper()):
        check(spec, "00ff", 0, request("{}", url=f"https://a.example/?sign={shown}"))


LEAD = {"lead_id": "l1", "google_key": "demo-key", "is_test": False}
SHARED = {"scheme": "shared-key", "field": "google_key", "id": {"field": "lead_id"}}


def test_a_key_in_the_body_is_compared_whole() -> None:
    check(SHARED, "demo-key", 0, request(json.dumps(LEAD)))
    for wrong in ("demo-ke", "demo-keyy", "", None, True, ["demo-key", "x"], {"demo-key": 1}, []):
        with pytest.raises(WebhookRefused, match="signature is wrong"):
            check(SHARED, "demo-key", 0, request(json.dumps({**LEAD, "google_key": wrong})))
    for body in ("", "[]", "{", "7", '{"google_key"}'):
        with pytest.raises(WebhookRefused):
            check(SHARED, "demo-key", 0, request(body))


def test_a_key_that_stands_at_each_item_must_be_right_at_all() -> None:
    spec = {"scheme": "shared-key", "field": "value[*].clientState"}
    right = {"value": [{"clientState": "k"}, {"clientState": "k"}]}
    check(spec, "k", 0, request(json.dumps(right)))
    for wrong in ([{"clientState": "k"}, {"clientState": "x"}], [], [{"clientState": None}]):
        with pytest.raises(WebhookRefused):
            check(spec, "k", 0, request(json.dumps({"value": wrong})))


def test_a_request_is_known_again_by_its_id_or_by_its_body() -> None:
    def of(spec: Any, asked: Inbound) -> str:
        return identify(Signature.model_validate(spec), asked)

    assert of(JDY, VECTORS["jiandaoyun"][3]) == "d1"
    assert of(STRIPE, VECTORS["stripe"][3]) == "evt_test"
    assert of(STANDARD, VECTORS["standard webhooks"][3]) == "msg_demo_0001"
    assert of(SHARED, request('{"lead_id": 42}')) == "42"
    assert of(JDY, request("{}")) == of(SHARED, request("{}")) == of(SHARED, request('{"lead_id": ["a", "b"]}')) == ""
    bodies = [of(XERO, request(body)) for body in ("{}", "{}", "{ }")]
    assert bodies[0] == bodies[1] != bodies[2]
    first = of(FRAPPE, request(FRAPPE_BODY))
    assert first == of(FRAPPE, request(FRAPPE_BODY + " "))
    assert first != of(FRAPPE, request(FRAPPE_BODY.replace("To Deliver and Bill", "Completed")))
    assert of(FRAPPE, request('{"doctype": "Sales Order"}')) == ""
    assert max(map(len, (first, *bodies))) <= 255


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"scheme": "hmac-md5", "header": "x"}, "Input should be"),
        ({"scheme": "hmac-sha256"}, "exactly one of header, query and field"),
        ({"scheme": "hmac-sha256", "header": "x", "query": "y"}, "exactly one of header, query and field"),
        ({"scheme": "hmac-sha256", "header": "x y"}, "String should match"),
        ({"scheme": "hmac-sha256", "header": "x", "heading": "y"}, "Extra inputs"),
        ({"scheme": "sha256", "header": "x"}, "everyone can sign"),
        ({"scheme": "hmac-sha256", "header": "x", "signed": "{timestamp}.{body}"}, "must say where it stands"),
        ({"scheme": "hmac-sha256", "header": "x", "signed": "{body}{bodies}"}, "there is no {bodies}"),
        ({"scheme": "hmac-sha256", "header": "x", "signed": "{body}}"}, "belongs to no part"),
        ({"scheme": "hmac-sha256", "header": "x", "signed": "{method}{url}"}, "needs {body}"),
        ({"scheme": "hmac-sha256", "header": "x", "timestamp": {"header": "t"}}, "must be part of signed"),
        ({"scheme": "hmac-sha256", "header": "x", "id": {"field": "a["}}, "no JMESPath expression"),
        ({"scheme": "hmac-sha256", "header": "x", "id": {"field": "lenght(a)"}}, "did you mean length"),
    ],
)
def test_a_scheme_that_proves_nothing_is_refused_when_it_is_read(spec: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said.replace("{", r"\{")):
        Signature.model_validate(spec)


def test_a_place_is_found_with_the_functions_that_manifests_have() -> None:
    spec = Signature.model_validate({"scheme": "hmac-sha256", "header": "x", "id": {"field": "split(event, '/')[1]"}})
    assert identify(spec, Inbound({}, {}, b'{"event": "order/17"}')) == "17"


def test_a_request_that_a_place_does_not_fit_is_refused_without_showing_what_it_holds() -> None:
    spec = Signature.model_validate({"scheme": "hmac-sha256", "header": "x", "id": {"field": "split(event, '/')[1]"}})
    with pytest.raises(WebhookRefused) as refused:
        identify(spec, Inbound({}, {}, b'{"event": {"owner": "Wang"}}'))
    assert "does not fit" in str(refused.value)
    assert "Wang" not in str(refused.value)
