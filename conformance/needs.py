"""What a check needs of a connector and its stand-in; where that is not there the check is not applicable."""

from __future__ import annotations

from enum import StrEnum


class Need(StrEnum):
    """One thing that not every system has, or not every stand-in can play."""

    CURSOR = "cursor"
    PAGES = "pages"
    PAGE_CAP = "page_cap"
    TIMES = "times"
    LATE = "late"
    SKEW = "skew"
    EDIT = "edit"
    NUMBER = "number"
    EMPTY = "empty"
    HUGE = "huge"
    VERBATIM = "verbatim"
    DELETE = "delete"
    TOMBSTONES = "tombstones"
    SWEEP = "sweep"
    UNDELETE = "undelete"
    WRITE = "write"
    SECOND_FIELD = "second_field"
    READ_ONLY = "read_only"
    REFUSAL = "refusal"
    CONDITIONAL = "conditional"
    CREATE = "create"
    UNIQUE = "unique"
    WEBHOOKS = "webhooks"
    WEBHOOK_TIME = "webhook_time"
    DELIVERY_ID = "delivery_id"
    DELETION_EVENT = "deletion_event"
    TOKENS = "tokens"
    CREDENTIALS = "credentials"
    RETRY_AFTER = "retry_after"
    QUOTA = "quota"
    HIDDEN_ERROR = "hidden_error"
    TIMEOUT = "timeout"
    FETCH = "fetch"
    READ = "read"
    HTTP = "http"
    FILES = "files"
    PROGRAM = "program"
    SIGNED = "signed"
    ORDER = "order"
    EVENTS = "events"
    BRINGS = "brings"


USUAL = frozenset({Need.READ, Need.HTTP, Need.SIGNED, Need.ORDER, Need.EVENTS})
"""What a system has unless its world says that it lacks it."""

REASONS: dict[Need, dict[str, str]] = {
    Need.CURSOR: {
        "en": "The stream does not go by a time or a number of its records.",
        "zh-CN": "该数据流不按记录的时间或编号增量读取。",
    },
    Need.PAGES: {
        "en": "The list is not cut into pages, or their size cannot be set.",
        "zh-CN": "列表不分页，或无法设置每页大小。",
    },
    Need.PAGE_CAP: {
        "en": "The system never cuts its pages smaller than it was asked to.",
        "zh-CN": "该系统不会返回比请求更小的页。",
    },
    Need.TIMES: {
        "en": "Its stand-in cannot set the time of a change.",
        "zh-CN": "替身系统无法指定变更时间。",
    },
    Need.LATE: {
        "en": "The system shows a change at the time it is stamped with.",
        "zh-CN": "该系统的变更在其时间戳时刻即可见。",
    },
    Need.SKEW: {
        "en": "The system does not tell its own time, or its stand-in cannot set it apart from ours.",
        "zh-CN": "该系统不告知自身时间，或替身无法使其与本机时间不同。",
    },
    Need.EDIT: {
        "en": "Records of the stream never change.",
        "zh-CN": "该数据流的记录不会变更。",
    },
    Need.NUMBER: {
        "en": "The stream has no number with decimals.",
        "zh-CN": "该数据流没有小数字段。",
    },
    Need.EMPTY: {
        "en": "The field is never empty.",
        "zh-CN": "该字段不会为空。",
    },
    Need.HUGE: {
        "en": "The system takes no text of a megabyte.",
        "zh-CN": "该系统不接受 1 MB 的文本。",
    },
    Need.VERBATIM: {
        "en": "The connector writes its records anew, for a reason that its page gives.",
        "zh-CN": "连接器会重写记录，原因见其文档页。",
    },
    Need.DELETE: {
        "en": "Nobody can delete a record of the stream.",
        "zh-CN": "该数据流的记录无法删除。",
    },
    Need.TOMBSTONES: {
        "en": "The stream has no tombstones.",
        "zh-CN": "该数据流没有删除标记。",
    },
    Need.SWEEP: {
        "en": "The stream is not swept for deleted records.",
        "zh-CN": "该数据流不做删除清查。",
    },
    Need.UNDELETE: {
        "en": "What is deleted does not come back.",
        "zh-CN": "删除的记录不会恢复。",
    },
    Need.WRITE: {
        "en": "The connector does not write to the stream, or the stand-in cannot tell what it writes.",
        "zh-CN": "连接器不写入该数据流，或替身无法辨认其写入内容。",
    },
    Need.SECOND_FIELD: {
        "en": "No second field of the record can change meanwhile.",
        "zh-CN": "记录没有第二个可变字段。",
    },
    Need.READ_ONLY: {
        "en": "The stream has no field that cannot be written.",
        "zh-CN": "该数据流没有不可写字段。",
    },
    Need.REFUSAL: {
        "en": "The system refuses no value of the fields that are written.",
        "zh-CN": "该系统不会拒绝可写字段的任何值。",
    },
    Need.CONDITIONAL: {
        "en": "The system knows no conditional write; the connector compares right before.",
        "zh-CN": "该系统不支持条件写入；连接器在写入前比较。",
    },
    Need.CREATE: {
        "en": "The connector creates no records in the stream, or the stand-in cannot tell what it creates.",
        "zh-CN": "连接器不在该数据流中创建记录，或替身无法辨认其创建内容。",
    },
    Need.UNIQUE: {
        "en": "The system itself does not refuse doubles.",
        "zh-CN": "该系统自身不拒绝重复记录。",
    },
    Need.WEBHOOKS: {
        "en": "The connector takes no webhooks.",
        "zh-CN": "连接器不接收 webhook。",
    },
    Need.WEBHOOK_TIME: {
        "en": "The system signs no time.",
        "zh-CN": "该系统的签名不含时间。",
    },
    Need.DELIVERY_ID: {
        "en": "The system gives its deliveries no id.",
        "zh-CN": "该系统的投递没有标识。",
    },
    Need.DELETION_EVENT: {
        "en": "The system's webhook tells of no deletions.",
        "zh-CN": "该系统的 webhook 不告知删除。",
    },
    Need.TOKENS: {
        "en": "The system is not used with tokens that end.",
        "zh-CN": "该系统不使用会过期的令牌。",
    },
    Need.CREDENTIALS: {
        "en": "The system asks for no credentials.",
        "zh-CN": "该系统不需要凭据。",
    },
    Need.RETRY_AFTER: {
        "en": "The system does not say how long to wait.",
        "zh-CN": "该系统不告知应等待多久。",
    },
    Need.QUOTA: {
        "en": "The system does not tell of a used-up allowance.",
        "zh-CN": "该系统不会告知配额用尽。",
    },
    Need.HIDDEN_ERROR: {
        "en": "The system puts no errors into a success.",
        "zh-CN": "该系统不会在成功应答中返回错误。",
    },
    Need.TIMEOUT: {
        "en": "The connector's time-out cannot be set.",
        "zh-CN": "无法设置连接器的超时时间。",
    },
    Need.FETCH: {
        "en": "The connector does not read single records.",
        "zh-CN": "连接器不单独读取记录。",
    },
    Need.READ: {
        "en": "Nothing can be read of the system; it only sends.",
        "zh-CN": "该系统只推送，无法读取。",
    },
    Need.HTTP: {
        "en": "The connector asks no server over HTTP.",
        "zh-CN": "连接器不通过 HTTP 访问服务器。",
    },
    Need.FILES: {
        "en": "The connector reads no folder of files.",
        "zh-CN": "连接器不读取文件夹。",
    },
    Need.PROGRAM: {
        "en": "The connector runs no program.",
        "zh-CN": "连接器不运行程序。",
    },
    Need.SIGNED: {
        "en": "The system signs no request: the secret itself stands in each.",
        "zh-CN": "该系统不对请求签名，密钥本身随请求发送。",
    },
    Need.ORDER: {
        "en": "The requests tell nothing of their order, and the record cannot be read.",
        "zh-CN": "请求不含先后信息，记录也无法读取。",
    },
    Need.BRINGS: {
        "en": "The requests only say which record changed.",
        "zh-CN": "请求仅指明哪条记录有变更。",
    },
    Need.EVENTS: {
        "en": "The system sends requests of one kind only.",
        "zh-CN": "该系统只发送一种请求。",
    },
}
"""Why a check is not applicable where the need is not met."""
