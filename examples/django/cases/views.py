import json
from datetime import datetime

from django.contrib import auth
from django.db import connection
from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from .models import Record


@require_POST
def log_in(request):
    user = auth.authenticate(request, username=request.POST['username'], password=request.POST['password'])
    if user is None:
        return JsonResponse({'error': 'login failed'}, status=401)
    auth.login(request, user)
    return JsonResponse({'username': user.username})


@require_POST
def choose_tenant(request):
    with connection.cursor() as cursor:
        cursor.execute('SELECT casnet.use_tenant(%s, true)', [request.POST['tenant']])
        request.session['tenant'] = str(cursor.fetchone()[0])
    return JsonResponse({})


@require_http_methods(['GET', 'POST'])
def records(request):
    if request.method == 'POST':
        values = json.loads(request.body)
        made = Record.objects.create(title=values['title'], content=values.get('content', ''))
        made.tag(*values.get('tags', []))
        if values.get('due'):
            made.tasks.create(title='Follow up', due_date=datetime.fromisoformat(values['due']))
        return JsonResponse({'id': made.id}, status=201)
    after = request.GET.get('after')
    page = Record.objects.page(int(request.GET.get('limit', 20)), after and get_object_or_404(Record, pk=after))
    return JsonResponse({'records': [{'id': r.id, 'title': r.title} for r in page]})


@require_GET
def record(_request, pk):
    found = get_object_or_404(Record, pk=pk)
    return JsonResponse({'title': found.title, 'tags': sorted(t.name for t in found.tags.all()),
                         'tasks': [t.title for t in found.tasks.all()]})
