from django.db import models

from cases.models import OfTenant, Record, key, link


class Note(OfTenant):
    """A table of the application's own, which casnet.protect() protects."""
    id = key()
    record = link(Record, 'notes', db_index=False)
    body = models.TextField()

    class Meta:
        indexes = [models.Index(fields=['tenant', 'record'], name='notes_of_a_record')]
