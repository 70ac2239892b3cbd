"""Requests and answers, without sockets; malformed ones go to a real opener in test_server.py."""

import pytest

from pyrdpmux.mux.opener.protocol import (
    MAX_ANSWER,
    MAX_PATH,
    MAX_REQUEST,
    MAX_UID,
    MAX_VM_ID,
    AccountsRequest,
    FramebufferRequest,
    Kind,
    MalformedMessage,
    Request,
    decode_answer,
    decode_request,
    encode_error,
)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (FramebufferRequest(Kind.FRAMEBUFFER, 0, 0), b"framebuffer 0 0"),
        (FramebufferRequest(Kind.FRAMEBUFFER, MAX_VM_ID, MAX_UID), b"framebuffer 2147483647 4294967294"),
        (FramebufferRequest(Kind.REMOVE, 7, 1000), b"remove 7 1000"),
        (AccountsRequest(1000, "/etc/a b\n\udcff.sam"), b"accounts 1000 /etc/a b\n\xff.sam"),
        (
            AccountsRequest(MAX_UID, "/" + "x" * (MAX_PATH - 1)),
            b"accounts 4294967294 /" + b"x" * (MAX_PATH - 1),
        ),
    ],
)
def test_a_request_there_and_back(request_: Request, message: bytes) -> None:
    assert request_.encode() == message
    assert decode_request(message) == request_
    assert len(message) <= MAX_REQUEST


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (b"framebuffer 2147483648 0", "VM id 2147483648, at most 2147483647 allowed"),
        (b"remove 0 4294967295", "uid 4294967295, at most 4294967294 allowed"),
        (b"accounts 4294967295 /x", "uid 4294967295, at most 4294967294 allowed"),
        (b"accounts 0 /" + b"x" * MAX_PATH, f"a path of {MAX_PATH + 1} bytes, at most {MAX_PATH} allowed"),
        (b"accounts 0 /a/../b", "a path with an empty component, . or .."),
        (b"open /etc/shadow", "a request of 16 bytes that is none"),
        (b"x" * (MAX_REQUEST + 1), f"a request of more than {MAX_REQUEST} bytes"),
    ],
)
def test_what_is_wrong_is_said_without_repeating_it(message: bytes, text: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        decode_request(message)
    assert str(caught.value) == text


def test_answers() -> None:
    decode_answer(b"ok")
    with pytest.raises(PermissionError) as caught:
        decode_answer(encode_error(13, "not yours"))
    assert caught.value.strerror == "not yours"
    assert len(encode_error(13, "x" * 10_000)) == MAX_ANSWER


@pytest.mark.parametrize("answer", [b"", b"OK", b"ok ", b"error", b"error 0 x", b"error x", b"error 13"])
def test_what_is_no_answer(answer: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode_answer(answer)
