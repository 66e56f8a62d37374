"""Clients that are no device servers: they report, and are servers like any others from there on."""

from stem_device.polling.clients.source import ClientReports, ClientsHealth

__all__ = ["ClientReports", "ClientsHealth"]
