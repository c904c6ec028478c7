"""The admin, which only reads.  It sees what the user who is signed in sees."""
from django.contrib import admin

from .models import CalendarEvent, Person, Record, Tag, Task

admin.site.index_template = 'index_without_log.html'


class ReadOnly(admin.ModelAdmin):
    def has_add_permission(self, *_):
        return False

    has_change_permission = has_delete_permission = has_add_permission


@admin.register(Record)
class RecordAdmin(ReadOnly):
    list_display = ['title', 'created_at']
    search_fields = ['title']
    ordering = ['-created_at', '-id']


admin.site.register([CalendarEvent, Person, Tag, Task], ReadOnly)
