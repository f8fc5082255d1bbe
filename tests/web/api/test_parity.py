"""What pages change, programs can change: each such page has its operation, or a reason why it has none."""

from __future__ import annotations

from tests.web.api.test_rights import TABLE as OPERATIONS
from tests.web.test_access import TABLE as PAGES

SAME = {
    "/findings/{id}/assign": "/findings/{id}/assign",
    "/findings/{id}/explain": "/findings/{id}/explain",
    "/findings/{id}/comment": "/findings/{id}/comments",
    "/findings/{id}/waiver": "/findings/{id}/waiver",
    "/findings/{id}/waiver/approve": "/findings/{id}/waiver/approve",
    "/findings/{id}/waiver/decline": "/findings/{id}/waiver/decline",
    "/findings/{id}/waiver/end": "/findings/{id}/waiver/end",
    "/findings/{id}/attachments": "/findings/{id}/attachments",
    "/findings/bulk/assign": "/findings/bulk/assign",
    "/findings/bulk/explain": "/findings/bulk/explain",
    "/findings/bulk/comment": "/findings/bulk/comments",
    "/findings/bulk/waiver": "/findings/bulk/waiver",
    "/findings/bulk/approve": "/findings/bulk/waiver/approve",
    "/findings/views": "/findings/views",
    "/findings/views/{id}/change": "/findings/views/{id}/change",
    "/findings/views/{id}/delete": "/findings/views/{id}/delete",
    "/cash/{receipt}/confirm": "/receipts/{id}/confirm",
    "/cash/{receipt}/undo": "/receipts/{id}/undo",
    "/cash/{receipt}/unmatch": "/receipts/{id}/unmatch",
    "/cash/{receipt}/split": "/receipts/{id}/split",
    "/links/{kind}/{left}/{right}/confirm": "/links/{kind}/{left}/{right}/confirm",
    "/links/{kind}/{left}/{right}/cut": "/links/{kind}/{left}/{right}/cut",
    "/orders/{record}/share": "/orders/{id}/share",
    "/orders/{record}/share/end": "/orders/{id}/share/end",
    "/periods/close": "/periods/{period}/close",
    "/periods/{period}/approve": "/periods/{period}/approve",
    "/periods/{period}/reopen": "/periods/{period}/reopen",
    "/systems/{name}/pause": "/systems/{name}/pause",
    "/systems/{name}/resume": "/systems/{name}/resume",
    "/systems/{name}/backfill": "/systems/{name}/backfill",
    "/runs": "/runs",
    "/runs/{id}/stop": "/runs/{id}/stop",
    "/plans/{id}/apply": "/plans/{id}/apply",
    "/plans/{id}/reject": "/plans/{id}/reject",
    "/rejections/{id}/take-back": "/rejections/{id}/take-back",
    "/conflicts/{id}/decide": "/conflicts/{id}/decide",
    "/overwritten/{id}/restore": "/overwritten/{id}/restore",
    "/dead-letters/{id}/edit": "/dead-letters/{id}/edit",
    "/dead-letters/{id}/retry": "/dead-letters/{id}/retry",
    "/dead-letters/{id}/discard": "/dead-letters/{id}/discard",
    "/dead-letters/{id}/put-back": "/dead-letters/{id}/put-back",
    "/dead-letters/retry": "/dead-letters/retry",
    "/dead-letters/discard": "/dead-letters/discard",
    "/quarantine/{record}/retry": "/quarantine/{id}/retry",
    "/quarantine/{record}/discard": "/quarantine/{id}/discard",
    "/quarantine/{record}/edit": "/quarantine/{id}/edit",
    "/quarantine/{record}/unedit": "/quarantine/{id}/unedit",
    "/quarantine/{record}/put-back": "/quarantine/{id}/put-back",
    "/quarantine/discard": "/quarantine/discard",
    "/quarantine/put-back": "/quarantine/put-back",
}
_OF_A_BROWSER = ("/sign-", "/welcome/", "/language", "/account/")
_NO_TOKEN_ADMINISTERS = ("/settings/", "/mappings/", "/kit/", "/members/")
_NO_ANSWER_HAS_PERSONAL_VALUES = ("/dead-letters/{id}/show", "/quarantine/{record}/show")
_ONLY_WHAT_A_PAGE_OPENS_WITH = ("/findings/views/none/first", "/findings/views/{id}/first")
_SAYS_THAT_A_PERSON_HAS_LOOKED = ("/systems/{name}/matching",)
WITHOUT = (
    *(_OF_A_BROWSER, _NO_TOKEN_ADMINISTERS),
    *(_NO_ANSWER_HAS_PERSONAL_VALUES, _ONLY_WHAT_A_PAGE_OPENS_WITH),
    _SAYS_THAT_A_PERSON_HAS_LOOKED,
)


def test_each_page_that_changes_something_has_an_operation_or_a_reason() -> None:
    changing = {path for method, path in PAGES if method != "GET"}
    told = {path for path in changing if path.startswith(tuple(start for reason in WITHOUT for start in reason))}
    assert changing - told == SAME.keys()
    assert [page for page, operation in SAME.items() if ("POST", operation) not in OPERATIONS] == []
