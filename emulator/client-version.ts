import type { IncomingHttpHeaders } from 'node:http';
import { badRequest } from './errors.ts';

/** Without a dash between name and version the header is refused, on every route (trap 35). */
export function checkClientVersion(headers: IncomingHttpHeaders): void {
  const client = headers['convex-client']?.toString();
  if (client === undefined || client.includes('-')) return;
  throw badRequest(
    'InvalidClientVersion',
    `Failed to parse client version string: '${client}'. Expected format is {client_name}-{semver}, e.g. ` +
      'my-esolang-client-0.0.1',
  );
}

/** Request ids are hexadecimal; none is ever sent back (trap 33). */
export function checkRequestId(headers: IncomingHttpHeaders): void {
  const id = headers['convex-request-id']?.toString();
  if (id === undefined || /^[0-9a-f]{16}$/.test(id)) return;
  throw badRequest('InvalidRequestId', `Invalid request id: ${id}`);
}
