"""Why does nothing arrive? Walks from the database to a callback and names the first link that is broken.

The work is done in a child process: Tango calls can hang beyond every limit, subscriptions of the doctor are
none of its caller's, and ``stem`` and the device can end it whenever they like.
"""

from stem_device.doctor.apart import diagnose
from stem_device.doctor.diagnosis import (
    LINKS,
    Diagnosis,
    Examined,
    Request,
    Verdict,
    diagnosis_of,
    names_attribute,
)
from stem_device.doctor.events import EventType
from stem_device.doctor.survey import AttributeRow, DeviceSurvey, devices_of_database, survey, survey_all

__all__ = [
    "LINKS",
    "AttributeRow",
    "DeviceSurvey",
    "Diagnosis",
    "EventType",
    "Examined",
    "Request",
    "Verdict",
    "devices_of_database",
    "diagnose",
    "diagnosis_of",
    "names_attribute",
    "survey",
    "survey_all",
]
