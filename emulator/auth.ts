import type { IncomingHttpHeaders } from 'node:http';
import { badRequest, forbidden, type HttpError, unauthenticated } from './errors.ts';
import type { Random } from './random.ts';

/** What a request may do. The export needs to view data, the import to import backups. */
export type Operation = 'deployment:data:view' | 'deployment:backups:import';

/** Who asks: nobody in particular (no key, or a user's token), or the holder of a deploy key. */
export type Identity = { kind: 'unknown' } | { kind: 'admin'; operations: ReadonlySet<Operation> | 'all' };

const UNKNOWN: Identity = { kind: 'unknown' };

/** Deploy keys of one deployment, and what each may do (crates/local_backend/src/authentication.rs). */
export class Keys {
  readonly #secrets = new Map<string, ReadonlySet<Operation> | 'all'>();
  readonly #instanceName: string;
  readonly #random: Random;

  constructor(instanceName: string, random: Random) {
    this.#instanceName = instanceName;
    this.#random = random;
  }

  /** A new key in the form that the dashboard shows: `prod:happy-otter-123|…`. */
  make(operations: Operation[] | 'all', type = 'prod'): string {
    const hex = Buffer.from(this.#random.fill(new Uint8Array(30))).toString('hex');
    const secret = Buffer.from(JSON.stringify({ v2: hex })).toString('base64');
    this.#secrets.set(secret, operations === 'all' ? 'all' : new Set(operations));
    return `${type}:${this.#instanceName}|${secret}`;
  }

  /** Makes a key worthless, as deleting it in the dashboard does. */
  revoke(key: string): void {
    this.#secrets.delete(key.slice(key.indexOf('|') + 1));
  }

  /** Who sent these headers. @throws HttpError for a key or token that is there and does not hold. */
  authenticate(headers: IncomingHttpHeaders, query: URLSearchParams): Identity {
    const header = headers.authorization;
    if (header === undefined) {
      const key = query.get('adminKey');
      return key === null ? UNKNOWN : this.#check(key);
    }
    if (Buffer.byteLength(header) < 7) throw badRequest('InvalidHeaderFailure', 'Invalid authentication header');
    if (header.slice(0, 7).toLowerCase() === 'convex ') return this.#check(adminKey(header.slice(7)));
    if (header.startsWith('Bearer ')) throw badToken(header.slice(7));
    throw badRequest('InvalidAdminKey', 'Invalid admin key');
  }

  #check(key: string): Identity {
    const bar = key.indexOf('|');
    const name = bar < 0 ? undefined : key.slice(0, bar).replace(/^[^:]*:/, '');
    const operations = this.#secrets.get(bar < 0 ? key : key.slice(bar + 1));
    if (operations === undefined || (name !== undefined && name !== this.#instanceName)) {
      throw unauthenticated('BadAdminKey', 'The provided admin key was invalid for this instance');
    }
    return { kind: 'admin', operations };
  }
}

/**
 * The key in a header, without its type. Whatever follows a colon after that names a user to act as, so a key pasted
 * without its secret (`prod:happy-otter-123`) is malformed rather than wrong.
 */
function adminKey(text: string): string {
  const key = withoutType(text);
  const colon = key.indexOf(':');
  if (colon < 0) return key;
  const malformed = () => badRequest('HeaderParseFailure', 'Malformed Authorization header.');
  const encoded = key.slice(colon + 1);
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.toString('base64') !== encoded) throw malformed();
  try {
    const attributes = JSON.parse(bytes.toString('utf8')) as unknown;
    if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) throw malformed();
  } catch {
    throw malformed();
  }
  return key.slice(0, colon);
}

function withoutType(key: string): string {
  const bar = key.indexOf('|');
  const colon = bar < 0 ? -1 : key.slice(0, bar).indexOf(':');
  if (colon < 0) return key;
  // Keys of previews and projects name no deployment that could be compared.
  if (/^(preview|project)$/i.test(key.slice(0, colon))) return key.slice(bar + 1);
  return key.slice(colon + 1);
}

/** A user's token never opens these endpoints; the emulator has no auth provider that could verify one. */
function badToken(token: string): HttpError {
  const [, payload, signature] = token.split('.');
  try {
    const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString('utf8')) as { iss?: unknown };
    if (signature !== undefined && typeof claims.iss === 'string') {
      return unauthenticated('NoAuthProvider', 'No auth provider found matching the given token');
    }
  } catch {
    // told below
  }
  return unauthenticated(
    'InvalidAuthHeader',
    'Could not parse JWT payload. Check that the token is a valid JWT format with three base64-encoded parts separated ' +
      'by dots.',
  );
}

/** @throws 403 `BadDeployKey` without a key, 403 `OperationNotPermitted` where the key does not have the permission. */
export function requireOperation(identity: Identity, operation: Operation): void {
  if (identity.kind === 'unknown') {
    throw forbidden(
      'BadDeployKey',
      'The provided deploy key was invalid for this deployment. Double check that the environment this key was ' +
        'generated for matches the desired deployment.',
    );
  }
  if (identity.operations !== 'all' && !identity.operations.has(operation)) {
    throw forbidden('OperationNotPermitted', `You do not have permission to perform this operation (${operation}).`);
  }
}
