import type { IncomingHttpHeaders } from 'node:http';

const METHODS = 'GET,POST,OPTIONS,PATCH,DELETE,PUT';

/** Headers that let any page in a browser read the answers (crates/local_backend/src/router.rs). */
export function corsHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  return {
    vary: 'origin, access-control-request-method, access-control-request-headers',
    'access-control-allow-credentials': 'true',
    ...(headers.origin === undefined ? {} : { 'access-control-allow-origin': headers.origin }),
  };
}

/** What OPTIONS is answered, on any path. */
export function preflightHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const asked = headers['access-control-request-headers'];
  return {
    'access-control-allow-methods': METHODS,
    'access-control-max-age': '86400',
    ...(asked === undefined ? {} : { 'access-control-allow-headers': asked }),
  };
}
