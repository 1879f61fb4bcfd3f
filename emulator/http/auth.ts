import type { IncomingHttpHeaders } from 'node:http';
import { badRequest, forbidden, type HttpError, unauthenticated } from './errors.ts';
import type { UserIdentity } from '../functions/contexts.ts';
import type { Random } from '../store/random.ts';

/**
 * What a request may do. The export needs to view data, both imports need to import backups, a look at the state of a
 * snapshot import needs to view them, and internal functions need to be run.
 */
export type Operation =
  | 'deployment:data:view'
  | 'deployment:backups:import'
  | 'deployment:backups:view'
  | 'deployment:functions:runInternalQueries'
  | 'deployment:functions:runInternalMutations'
  | 'deployment:functions:runInternalActions';

/** Who asks: nobody in particular, a user of the app, or the holder of a deploy key. */
export type Identity =
  | { kind: 'unknown' }
  | { kind: 'user'; user: UserIdentity }
  | { kind: 'admin'; operations: ReadonlySet<Operation> | 'all' };

/** What a request brings along, well formed but not yet looked up. */
export type Token = { kind: 'none' } | { kind: 'key'; key: string } | { kind: 'user'; token: string };

const UNKNOWN: Identity = { kind: 'unknown' };

/** Deploy keys of one deployment, and what each may do (crates/local_backend/src/authentication.rs). */
export class Keys {
  readonly #secrets = new Map<string, ReadonlySet<Operation> | 'all'>();
  readonly #users = new Map<string, { user: UserIdentity; expired: boolean }>();
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

  /** A token of a user of the app, as its auth provider would sign one. */
  makeUserToken(subject: string, issuer = 'https://auth.example.com'): string {
    const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url');
    const signature = Buffer.from(this.#random.fill(new Uint8Array(32))).toString('base64url');
    const token = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ iss: issuer, sub: subject })}.${signature}`;
    this.#users.set(token, { user: { subject, issuer, tokenIdentifier: `${issuer}|${subject}` }, expired: false });
    return token;
  }

  /** Lets a user's token expire, as all do after some time. */
  expireUserToken(token: string): void {
    const known = this.#users.get(token);
    if (known !== undefined) known.expired = true;
  }

  /** Who sent these headers. @throws HttpError for a key or token that is there and does not hold. */
  authenticate(headers: IncomingHttpHeaders, query: URLSearchParams): Identity {
    return this.identify(this.tokenOf(headers, query));
  }

  /** What these headers bring along. @throws 400 for a header of no known form */
  tokenOf(headers: IncomingHttpHeaders, query: URLSearchParams): Token {
    const header = headers.authorization;
    if (header === undefined) {
      const [key = null, another] = query.getAll('adminKey');
      if (another !== undefined) {
        throw badRequest('BadQueryArgs', 'Failed to deserialize query string: duplicate field `adminKey`');
      }
      return key === null ? { kind: 'none' } : { kind: 'key', key };
    }
    // Node gives each byte of a header as one character.
    if (!/^[\t\x20-\x7e]*$/.test(header)) {
      throw badRequest('HeaderParseFailure', `Failed to parse header ${debugHeader(header)}`);
    }
    if (header.length < 7) throw badRequest('InvalidHeaderFailure', 'Invalid authentication header');
    const rest = header.slice(7);
    if (header.slice(0, 7).toLowerCase() === 'convex ') return { kind: 'key', key: adminKey(rest) };
    if (header.slice(0, 7).toLowerCase() === 'bearer ' && rest !== '') return { kind: 'user', token: rest.trim() };
    throw badRequest('InvalidAdminKey', 'Invalid admin key');
  }

  /** Whose key or token it is. @throws 401 where it does not hold */
  identify(token: Token): Identity {
    if (token.kind === 'none') return UNKNOWN;
    if (token.kind === 'key') return this.#check(token.key);
    const known = this.#users.get(token.token);
    if (known === undefined) throw badToken(token.token);
    if (!known.expired) return { kind: 'user', user: known.user };
    throw unauthenticated(
      'Unauthenticated',
      "Could not verify OIDC token claim. Check that the token signature is valid and the token hasn't expired.",
    );
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
    if (!isIdentity(attributes)) throw malformed();
  } catch {
    throw malformed();
  }
  return key.slice(0, colon);
}

/** A user's attributes (crates/convex/sync_types/src/types/json.rs): what names the user has to be there. */
function isIdentity(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { tokenIdentifier, issuer, subject } = value as Record<string, unknown>;
  return typeof tokenIdentifier === 'string' || (typeof issuer === 'string' && typeof subject === 'string');
}

/** A header's value as Rust prints it. */
function debugHeader(header: string): string {
  const text = header.replace(/[^\x20\x21\x23-\x7e]/g, (character) =>
    character === '"' ? '\\"' : `\\x${character.charCodeAt(0).toString(16)}`,
  );
  return `"${text}"`;
}

function withoutType(key: string): string {
  const bar = key.indexOf('|');
  const colon = bar < 0 ? -1 : key.slice(0, bar).indexOf(':');
  if (colon < 0) return key;
  // Keys of previews and projects name no deployment that could be compared.
  if (/^(preview|project)$/i.test(key.slice(0, colon))) return key.slice(bar + 1);
  return key.slice(colon + 1);
}

/** A token that no auth provider of this deployment has signed. */
function badToken(token: string): HttpError {
  const [, payload, signature] = token.split('.');
  try {
    const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString('utf8')) as { iss?: unknown };
    if (signature !== undefined && typeof claims.iss === 'string') {
      return unauthenticated(
        'NoAuthProvider',
        'No auth provider found matching the given token (no providers configured). Check convex/auth.config.ts.',
      );
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
  if (identity.kind !== 'admin') {
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
