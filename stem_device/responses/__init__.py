"""Text of a reply of ``QueryEventSystem`` into the typed reply, and back; one file a dialect."""

from stem_device.model.reply import MAX_NAME_CHARACTERS
from stem_device.responses.encode import encode_reply
from stem_device.responses.limits import MAX_ENTRIES, MAX_REPLY_BYTES
from stem_device.responses.locate import shown_name
from stem_device.responses.merge import merge_samples
from stem_device.responses.parse import parse_reply
from stem_device.responses.repair import from_latin_1

__all__ = [
    "MAX_ENTRIES",
    "MAX_NAME_CHARACTERS",
    "MAX_REPLY_BYTES",
    "encode_reply",
    "from_latin_1",
    "merge_samples",
    "parse_reply",
    "shown_name",
]
