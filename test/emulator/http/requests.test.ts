import { describe, expect, test } from 'vitest';
import type { Emulator } from '../../../emulator/index.ts';
import { call, deploy, get, outcome, type Reply } from '../client.ts';

/** What is decided before a request means anything, as a real backend does it (get-convex/convex-backend 94a42c3db). */

const TEST = '/api/test_streaming_export_connection';
const answer = (reply: Reply) => [reply.status, reply.json()];

describe('keys and tokens', () => {
  const encode = (identity: unknown) => Buffer.from(JSON.stringify(identity)).toString('base64');
  const bareKey = ({ key }: Emulator) => key.slice('prod:'.length);

  const identities: [identity: unknown, expected: string][] = [
    [{}, '400 HeaderParseFailure'],
    [{ issuer: 'https://a' }, '400 HeaderParseFailure'],
    [[], '400 HeaderParseFailure'],
    [{ tokenIdentifier: 'https://a|b' }, '200'],
    [{ issuer: 'https://a', subject: 'b' }, '200'],
  ];
  test.each(identities)('a user %j after the key: %s', async (identity, expected) => {
    const emulator = await deploy();
    const authorization = `Convex ${bareKey(emulator)}:${encode(identity)}`;
    expect(outcome(await get(emulator, TEST, { authorization }))).toBe(expected);
  });

  test('a byte beyond ASCII in the header', async () => {
    const emulator = await deploy();
    expect(answer(await get(emulator, TEST, { authorization: 'Convex \u00e9' }))).toEqual([
      400,
      { code: 'HeaderParseFailure', message: 'Failed to parse header "Convex \\xe9"' },
    ]);
  });

  test('adminKey twice in the query', async () => {
    const emulator = await deploy();
    const reply = await get(emulator, `${TEST}?adminKey=a&adminKey=b`, { authorization: null });
    expect(outcome(reply)).toBe('400 BadQueryArgs');
    expect(reply.json()['message']).toContain('duplicate field `adminKey`');
  });

  test('adminKey with a type before the key', async () => {
    const emulator = await deploy();
    const path = `${TEST}?adminKey=${encodeURIComponent(`prod:${bareKey(emulator)}`)}`;
    expect(outcome(await get(emulator, path, { authorization: null }))).toBe('200');
  });

  test('a token, where the app has no provider', async () => {
    const emulator = await deploy();
    const authorization = 'Bearer e30.eyJpc3MiOiJodHRwczovL2V4YW1wbGUuY29tIn0.c2ln';
    expect(answer(await get(emulator, TEST, { authorization }))).toEqual([
      401,
      {
        code: 'NoAuthProvider',
        message:
          'No auth provider found matching the given token (no providers configured). Check convex/auth.config.ts.',
      },
    ]);
  });
});

describe('routes', () => {
  test('an unknown route does not look at Convex-Client and has no CORS headers', async () => {
    const emulator = await deploy();
    const reply = await get(emulator, '/api/nosuch', {
      headers: { 'convex-client': 'x', origin: 'https://example.com' },
    });
    expect([reply.status, reply.text]).toEqual([404, '']);
    expect(Object.keys(reply.headers).filter((name) => name.startsWith('access-control') || name === 'vary')).toEqual(
      [],
    );
  });

  test('neither does /version', async () => {
    const emulator = await deploy();
    const reply = await get(emulator, '/version', {
      authorization: null,
      headers: { 'convex-client': 'x', origin: 'https://example.com' },
    });
    expect([reply.status, reply.text]).toEqual([200, 'unknown']);
    expect(reply.headers['access-control-allow-origin']).toBeUndefined();
  });

  const methods: [path: string, allow: string][] = [
    ['/api/list_snapshot', 'GET,HEAD,POST'],
    ['/api/json_schemas', 'GET,HEAD'],
    ['/api/v1/data/sync', 'POST'],
    ['/api/v1/data/sync/some-id', 'GET,HEAD'],
    ['/api/streaming_import/clear_tables', 'PUT'],
    ['/api/query', 'GET,HEAD,POST'],
    ['/api/mutation', 'POST'],
    ['/api/action', 'POST'],
    ['/api/function', 'POST'],
    ['/api/run/notes/add', 'POST'],
    ['/api/import', 'POST'],
    ['/api/import/start_upload', 'POST'],
    ['/api/import/upload_part', 'POST'],
    ['/api/import/finish_upload', 'POST'],
    ['/api/perform_import', 'POST'],
    ['/api/cancel_import', 'POST'],
  ];
  test.each(methods)('OPTIONS %s allows %s, and another method is 405', async (path, allow) => {
    const emulator = await deploy();
    const preflight = await call(emulator, 'OPTIONS', path, { authorization: null });
    expect([preflight.status, preflight.headers['allow']]).toEqual([200, allow]);
    const refused = await call(emulator, 'DELETE', path, { authorization: null });
    expect([refused.status, refused.headers['allow'], refused.text]).toEqual([405, allow, '']);
    if (!allow.startsWith('GET')) expect((await get(emulator, path)).status).toBe(405);
  });
});

describe('clients that are not supported', () => {
  const clients: [client: string, message: string][] = [
    [
      'python-convex-0.0.1',
      'The Convex python package at version 0.0.1 is no longer supported. ' +
        'Update your Convex python version with `pip install --upgrade convex`.',
    ],
    [
      'rust-0.0.1',
      'The Convex rust package at version 0.0.1 is no longer supported. ' +
        'Update your Convex rust version with `cargo update -p convex` or by updating `Cargo.toml`.',
    ],
  ];
  test.each(clients)('%s', async (client, message) => {
    const emulator = await deploy();
    const reply = await get(emulator, TEST, { headers: { 'convex-client': client } });
    expect(answer(reply)).toEqual([400, { code: 'ClientVersionUnsupported', message }]);
    expect(reply.headers).toMatchObject({
      'x-convex-deprecation-state': 'Unsupported',
      'x-convex-deprecation-message': message,
    });
  });
});

describe('content types', () => {
  const types: [type: string, expected: string][] = [
    ['application/json+x', '200'],
    ['application/JSON', '200'],
    ['application/JSON; x', '400 BadJsonBody'],
    ['application/json;charset=utf-8', '200'],
    ['application/json; charset="utf-8"', '200'],
    ['application/x+json', '200'],
    ['text/json', '400 BadJsonBody'],
  ];
  test.each(types)('%s: %s', async (type, expected) => {
    const emulator = await deploy();
    const headers = { 'content-type': type };
    expect(outcome(await call(emulator, 'POST', '/api/list_snapshot', { raw: '{}', headers }))).toBe(expected);
  });
});
