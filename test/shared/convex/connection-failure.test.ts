import { describe, expect, test } from 'vitest';
import { ConnectTimeout } from '../../../shared/convex/time-limits.ts';
import { connectionFailure } from '../../../shared/convex/connection-failure.ts';

const HTTPS = { proxy: undefined, http: false, answered: false };
const HTTP = { ...HTTPS, http: true };

/** As got hands it on: with its own error around the system's. */
function failed(code: string, more: object = {}, message = ''): Error {
  const cause = Object.assign(new Error(message), { code, ...more });
  return Object.assign(new Error(message, { cause }), { code: 'ERR_GOT_REQUEST_ERROR' });
}

describe('S5: what never came about is unreachable', () => {
  test.each([
    ...['ETIMEDOUT', 'ENETUNREACH', 'EHOSTUNREACH', 'ECONNREFUSED', 'ECONNRESET', 'EACCES', 'EADDRNOTAVAIL'].map(
      (code) => [code, 'connect'],
    ),
    ['ENOTFOUND', 'getaddrinfo'],
    ['EAI_AGAIN', 'getaddrinfo'],
  ])('%s of %s', (code, syscall) => {
    expect(connectionFailure(failed(code, { syscall }), HTTPS)).toEqual({
      reason: 'unreachable',
      code,
      obstacle: 'network',
      phrase: undefined,
    });
  });

  test('each of several addresses', () => {
    const errors = ['2001:db8::1', '192.0.2.1'].map((address) =>
      Object.assign(new Error(`connect ETIMEDOUT ${address}`), { code: 'ETIMEDOUT', syscall: 'connect' }),
    );
    const error = Object.assign(new AggregateError(errors), { code: 'ETIMEDOUT' });
    expect(connectionFailure(error, HTTPS)).toMatchObject({ reason: 'unreachable', obstacle: 'network' });
  });

  test.each([
    ['dns', 'the DNS lookup did not end within 15 s', 'network'],
    ['tcp', 'no connection came about within 15 s', 'network'],
    ['tls', 'the TLS handshake did not end within 15 s', 'network'],
    ['tunnel', 'the proxy a:1 opened no tunnel within 15 s', 'proxy'],
  ] as const)('the limit of %s', (phase, phrase, obstacle) => {
    const attempt = { ...HTTPS, proxy: 'a:1' };
    expect(connectionFailure(new ConnectTimeout(phase, 15_000), attempt)).toEqual({
      reason: 'unreachable',
      code: 'ETIMEDOUT',
      obstacle,
      phrase,
    });
  });

  test.each([
    ...[
      'CERT_HAS_EXPIRED',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'UNABLE_TO_GET_ISSUER_CERT',
      'CERT_REVOKED',
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ].map((code) => [code, 'certificate']),
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'wants-http'],
    ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'network'],
    ['EPROTO', 'network'],
    ['ERR_PROXY_TUNNEL', 'proxy'],
  ])('%s: %s', (code, obstacle) => {
    expect(connectionFailure(failed(code), HTTPS)).toMatchObject({ reason: 'unreachable', obstacle });
  });
});

describe('what stood and broke off', () => {
  test.each(['ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ERR_HTTP_CONTENT_LENGTH_MISMATCH', 'Z_BUF_ERROR', 'ENOBUFS'])(
    '%s may pass',
    (code) => {
      expect(connectionFailure(failed(code, { syscall: 'read' }), HTTPS)).toEqual({
        reason: 'transient',
        code,
        obstacle: undefined,
        phrase: undefined,
      });
    },
  );

  test.each(['HPE_INVALID_CONSTANT', 'HPE_HEADER_OVERFLOW'])('%s is no HTTP', (code) => {
    expect(connectionFailure(failed(code), HTTP)).toMatchObject({ reason: 'not-convex' });
  });

  test('S5: a hang-up at http:// may be TLS, unless an answer had begun', () => {
    expect(connectionFailure(failed('ECONNRESET'), HTTP)?.obstacle).toBe('may-want-https');
    expect(connectionFailure(failed('ECONNRESET'), { ...HTTP, answered: true })?.obstacle).toBeUndefined();
    expect(connectionFailure(failed('ECONNRESET'), HTTPS)?.obstacle).toBeUndefined();
  });

  test('an error without a code is none of a connection', () => {
    expect(connectionFailure(new TypeError('x is not a function'), HTTPS)).toBeUndefined();
    expect(connectionFailure('text', HTTPS)).toBeUndefined();
  });
});
