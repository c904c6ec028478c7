"""Errors of the database as answers.  Message and hint are written for people."""
import logging

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, NoResultFound, TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError

STATUS = {
    '28000': 401, '28P01': 401,                    # sign in again
    '42501': 403,                                  # not a member, or a permission is missing
    'P0002': 404,
    '55000': 409, '23505': 409,                    # choose a tenant; the name is taken
    '22001': 422, '22007': 422, '22008': 422, '22021': 422, '22023': 422, '22P05': 422,
    '23502': 422, '23503': 422, '23514': 422, '54000': 422,
    '53300': 429,                                  # too many failed logins
    '40001': 503, '40P01': 503, '55P03': 503, '57014': 503,   # try again
}
log = logging.getLogger(__name__)


def answer(status, message, hint=None, code=None):
    headers = {401: {'WWW-Authenticate': 'Bearer'}, 429: {'Retry-After': '5'},
               503: {'Retry-After': '1'}}.get(status)
    return JSONResponse({'message': message, 'hint': hint, 'code': code}, status, headers)


def database_error(_request: Request, error: DBAPIError):
    code = getattr(error.orig, 'sqlstate', None)
    if code in STATUS:
        said = error.orig.diag
        message = said.message_primary
        if said.message_detail and code in ('22023', '54000'):     # what is wrong with it
            message += ': ' + said.message_detail
        return answer(STATUS[code], message, said.message_hint, code)
    if code is None and type(error.orig).__name__ == 'DataError':  # text with a NUL, from psycopg
        return answer(422, 'the text has a character that cannot be stored')
    log.error('unexpected error of the database', exc_info=error)
    return answer(500, 'something went wrong', 'Try again later.')


def not_found(_request: Request, _error: NoResultFound):
    # of another tenant, or of nobody: the same answer
    return answer(404, 'it does not exist, or you may not see it')


def stale(_request: Request, _error: StaleDataError):
    return answer(409, 'somebody else has changed it meanwhile', 'Load it again.')


def invalid(_request: Request, error: RequestValidationError):
    # FastAPI's own answer repeats the input, and so a password
    first = error.errors()[0]
    field = '.'.join(str(part) for part in first['loc'][1:])
    return answer(422, f'{field}: {first["msg"]}' if field else first['msg'])


def busy(_request: Request, _error: PoolTimeout):
    return answer(503, 'too many are working at the moment', 'Try again in some seconds.')


def refused(_request: Request, error: HTTPException):
    return answer(error.status_code, error.detail)


def install(app: FastAPI):
    app.add_exception_handler(DBAPIError, database_error)
    app.add_exception_handler(NoResultFound, not_found)
    app.add_exception_handler(StaleDataError, stale)
    app.add_exception_handler(PoolTimeout, busy)
    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(RequestValidationError, invalid)
