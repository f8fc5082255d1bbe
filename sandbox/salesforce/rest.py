"""The REST resources under ``/services/data/vXX.X``: one function per path, answered in JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
from starlette.datastructures import Headers

from sandbox.salesforce import collections, conditions, replication
from sandbox.salesforce.evaluate import attributes, run
from sandbox.salesforce.failures import ApiError, deleted, not_found
from sandbox.salesforce.org import Org, Record
from sandbox.salesforce.queries import Locators
from sandbox.salesforce.values import shown

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


@dataclass(slots=True)
class Call:
    """One request, taken apart; ``base`` is the path of the API version."""

    method: str
    path: str
    base: str
    query: dict[str, str]
    headers: Headers
    body: bytes

    def values(self) -> dict[str, Any]:
        """The body as a JSON object; raises ``ApiError`` (JSON_PARSER_ERROR)."""
        try:
            found = _decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ApiError("JSON_PARSER_ERROR", "The HTTP entity body is required to be valid JSON") from None
        if not isinstance(found, dict):
            raise ApiError("JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object")
        return found


@dataclass(slots=True)
class Reply:
    """What is sent back; ``None`` as content sends no body."""

    content: Any = None
    status: int = 200
    headers: dict[str, str] | None = None


Handler = Callable[..., Reply]


class Rest:
    """All resources of one org."""

    def __init__(self, org: Org, locators: Locators, usage: Callable[[], tuple[int, int]]) -> None:
        self.org = org
        self.locators = locators
        self._usage = usage
        name, one = r"(?P<name>\w+)", r"(?P<record_id>\w+)"
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = [
            (method, re.compile(path + "/?"), handler)
            for method, path, handler in (
                ("GET", "", self._resources),
                ("GET", "/limits", self._limits),
                ("GET", "/query", self._query),
                ("GET", "/queryAll", self._query_all),
                ("GET", r"/query(?:All)?/(?P<locator>[\w-]+)", self._more),
                ("GET", "/sobjects", self._objects),
                ("GET", f"/sobjects/{name}", self._object),
                ("POST", f"/sobjects/{name}", self._create),
                ("GET", f"/sobjects/{name}/describe", self._describe),
                ("GET", f"/sobjects/{name}/updated", self._updated),
                ("GET", f"/sobjects/{name}/deleted", self._deleted),
                ("GET", f"/sobjects/{name}/{one}", self._get),
                ("PATCH", f"/sobjects/{name}/{one}", self._update),
                ("DELETE", f"/sobjects/{name}/{one}", self._delete),
                ("GET", f"/sobjects/{name}/(?P<field>\\w+)/(?P<value>.+)", self._get_by),
                ("PATCH", f"/sobjects/{name}/(?P<field>\\w+)/(?P<value>.+)", self._upsert),
                ("POST", "/composite/sobjects", self._create_many),
                ("PATCH", "/composite/sobjects", self._update_many),
                ("DELETE", "/composite/sobjects", self._delete_many),
                ("PATCH", f"/composite/sobjects/{name}/(?P<field>\\w+)", self._upsert_many),
            )
        ]

    def answer(self, call: Call) -> Reply:
        """Find the resource and run it; raises ``ApiError``."""
        known = False
        for method, pattern, handler in self._routes:
            found = pattern.fullmatch(call.path)
            if found is None:
                continue
            known = True
            if method == call.method:
                with self.org.lock:
                    return handler(call, **found.groupdict())
        if known:
            raise ApiError("METHOD_NOT_ALLOWED", f"HTTP Method '{call.method}' not allowed", status=405)
        raise not_found()

    # Queries.

    def _query(self, call: Call, *, with_deleted: bool = False) -> Reply:
        text = call.query.get("q")
        if not text:
            raise ApiError("MALFORMED_QUERY", "A query string has to be specified")
        result = run(self.org, text, with_deleted=with_deleted)
        return Reply(self.locators.first(result, call.headers.get("sforce-query-options", ""), call.base))

    def _query_all(self, call: Call) -> Reply:
        return self._query(call, with_deleted=True)

    def _more(self, call: Call, locator: str) -> Reply:
        return Reply(self.locators.more(locator, call.base))

    # What there is.

    def _resources(self, call: Call) -> Reply:
        names = ("composite", "limits", "query", "queryAll", "sobjects")
        return Reply({name: f"{call.base}/{name}" for name in names})

    def _limits(self, _call: Call) -> Reply:
        used, most = self._usage()
        return Reply({"DailyApiRequests": {"Max": most, "Remaining": max(0, most - used)}})

    def _objects(self, call: Call) -> Reply:
        described = [item.summary(call.base) for item in self.org.objects.values()]
        return Reply({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": described})

    def _object(self, call: Call, name: str) -> Reply:
        return Reply({"objectDescribe": self.org.sobject(name).summary(call.base), "recentItems": []})

    def _describe(self, call: Call, name: str) -> Reply:
        return Reply(self.org.sobject(name).describe(call.base))

    def _updated(self, call: Call, name: str) -> Reply:
        return Reply(replication.updated(self.org, self.org.sobject(name).name, call.query))

    def _deleted(self, call: Call, name: str) -> Reply:
        return Reply(replication.deleted(self.org, self.org.sobject(name).name, call.query))

    # One record.

    def _create(self, call: Call, name: str) -> Reply:
        record = self.org.create(self.org.sobject(name).name, call.values())
        return Reply({"id": record["Id"], "success": True, "errors": []}, 201)

    def _get(self, call: Call, name: str, record_id: str) -> Reply:
        return self._shown(call, self.org.sobject(name).name, self.org.live(self.org.sobject(name).name, record_id))

    def _get_by(self, call: Call, name: str, field: str, value: str) -> Reply:
        name = self.org.sobject(name).name
        found = self.org.by_external_id(name, field, value)
        if not found:
            raise not_found()
        if len(found) > 1:
            return Reply([f"{call.base}/sobjects/{name}/{item['Id']}" for item in found], 300)
        return self._shown(call, name, found[0])

    def _shown(self, call: Call, name: str, record: Record) -> Reply:
        if conditions.not_modified(name, record, call.headers):
            return Reply(status=304)
        sobject = self.org.sobject(name)
        wanted = call.query.get("fields")
        names = wanted.split(",") if wanted else list(sobject.fields)
        made: dict[str, Any] = {"attributes": attributes(name, record["Id"], call.base)}
        for each in names:
            spelled = sobject.lower.get(each.strip().lower())
            if spelled is None:
                raise ApiError("INVALID_FIELD", f"No such column '{each}' on sobject of type {name}")
            made[spelled] = shown(sobject.fields[spelled], record[spelled])
        modified = record["LastModifiedDate"].strftime("%a, %d %b %Y %H:%M:%S GMT")
        tag = {"ETag": conditions.etag(record)} if name == "Account" else {}
        return Reply(made, headers={"Last-Modified": modified, **tag})

    def _update(self, call: Call, name: str, record_id: str) -> Reply:
        name = self.org.sobject(name).name
        record = self.org.live(name, record_id)
        conditions.check_write(name, record, call.headers)
        self.org.update(name, record_id, call.values())
        return Reply(status=204)

    def _delete(self, _call: Call, name: str, record_id: str) -> Reply:
        name = self.org.sobject(name).name
        if self.org.find(name, record_id) is None:
            raise not_found()
        if self.org.find(name, record_id) and self.org.tables[name][self._full(name, record_id)]["IsDeleted"]:
            raise deleted()
        self.org.delete(name, record_id)
        return Reply(status=204)

    def _full(self, name: str, record_id: str) -> str:
        record = self.org.find(name, record_id)
        assert record
        return str(record["Id"])

    def _upsert(self, call: Call, name: str, field: str, value: str) -> Reply:
        name = self.org.sobject(name).name
        found = self.org.by_external_id(name, field, value)
        if len(found) > 1:
            return Reply([f"{call.base}/sobjects/{name}/{item['Id']}" for item in found], 300)
        if found:
            conditions.check_write(name, found[0], call.headers)
        record, created = self.org.upsert(name, field, value, call.values())
        content = {"id": record["Id"], "success": True, "errors": [], "created": created}
        return Reply(content, 201 if created else 200)

    # Many records.

    def _create_many(self, call: Call) -> Reply:
        return Reply(collections.create(self.org, call.values()))

    def _update_many(self, call: Call) -> Reply:
        return Reply(collections.update(self.org, call.values()))

    def _upsert_many(self, call: Call, name: str, field: str) -> Reply:
        return Reply(collections.upsert(self.org, self.org.sobject(name).name, field, call.values()))

    def _delete_many(self, call: Call) -> Reply:
        return Reply(collections.delete(self.org, call.query))
