/** What a connection that failed tells. Pure: an error in, its meaning out. */
import { ConnectTimeout, type ConnectPhase } from './time-limits.ts';
import type { Obstacle, Verdict } from './errors.ts';

export interface ConnectionFailure {
  verdict: Verdict;
  /** Of the system, of OpenSSL, or of Node: `ECONNREFUSED`. */
  code: string;
  /** Undefined where a connection stood and broke off, and nothing tells why. */
  obstacle: Obstacle | undefined;
  /**
   * What did not happen, in words, where the code alone does not tell: "no answer to the DNS lookup within 15
   * s".
   */
  phrase: string | undefined;
}

interface SystemError extends Error {
  code?: string;
  syscall?: string;
  errors?: unknown[];
  /** Of the HTTP parser: the bytes that are no HTTP. */
  rawPacket?: Buffer;
  /** Of a tunnel: what the proxy answered. */
  statusCode?: number;
}

export interface Attempt {
  /** Host and port of the proxy for it, if any. */
  proxy: string | undefined;
  /** Whether the URL says http. */
  http: boolean;
  /** Whether an answer had begun. */
  answered: boolean;
}

/**
 * `error`: what a request failed with. Undefined for an error without a code, which is not of a connection.
 * All failures are worth another try: networks come and go.
 */
export function connectionFailure(error: unknown, { proxy, http, answered }: Attempt): ConnectionFailure | undefined {
  const chain = [...causes(error)];
  const timeout = chain.find((each) => each instanceof ConnectTimeout);
  if (timeout !== undefined) return timedOut(timeout, proxy);
  const codes = chain.flatMap(({ code }) => (code === undefined ? [] : [code]));
  const code = codes.find((each) => !isOfGot(each)) ?? codes[0];
  if (code === undefined) return undefined;
  const unreachable = (obstacle: Obstacle, phrase?: string): ConnectionFailure => ({
    verdict: { reason: 'unreachable', retry: true },
    code,
    obstacle,
    phrase,
  });
  const said = chain.map(({ message }) => message).join('\n');
  if (code === 'ERR_PROXY_TUNNEL') {
    const status = chain.find(({ statusCode }) => statusCode !== undefined)?.statusCode;
    const answer = status === undefined ? 'opened no tunnel' : `answered CONNECT with ${status}`;
    return unreachable('proxy', `the proxy${proxy === undefined ? '' : ` ${proxy}`} ${answer}`);
  }
  if (CERTIFICATE.test(code)) return unreachable('certificate');
  if (NO_TLS.has(code) || (code === 'EPROTO' && NO_TLS_TEXT.test(said))) return unreachable('wants-http');
  if (http && chain.some(({ rawPacket }) => rawPacket !== undefined && isTlsRecord(rawPacket)))
    return unreachable('wants-https');
  // A connection that was closed during the TLS handshake has the code of one that stood; only its message
  // tells.
  if (said.includes('before secure TLS connection'))
    return unreachable('network', 'the connection was closed during the TLS handshake');
  const connecting = chain.some(({ syscall }) => syscall === 'connect' || syscall === 'getaddrinfo');
  if (connecting || code === 'EPROTO' || /^ERR_(?:SSL|TLS)/.test(code)) return unreachable('network');
  // HPE: what came is not HTTP.
  const reason = code.startsWith('HPE_') ? 'not-convex' : 'transient';
  const obstacle = http && !answered && code === 'ECONNRESET' ? 'may-want-https' : undefined;
  return { verdict: { reason, retry: true }, code, obstacle, phrase: undefined };
}

const CERTIFICATE =
  /^(?:(?:UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|CRL_|ERROR_IN_CERT_|ERROR_IN_CRL_|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_)|ERR_TLS_CERT_)/;

/** What OpenSSL makes of bytes that are no TLS. */
const NO_TLS = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_UNEXPECTED_MESSAGE',
]);

const NO_TLS_TEXT = /wrong version number|packet length too long|http request|unexpected message/i;

const PHASES: Record<ConnectPhase, string> = {
  dns: 'the DNS lookup did not end',
  tcp: 'no connection came about',
  tunnel: 'opened no tunnel',
  tls: 'the TLS handshake did not end',
};

function timedOut({ phase, limit, code }: ConnectTimeout, proxy: string | undefined): ConnectionFailure {
  const subject = phase === 'tunnel' ? `the proxy${proxy === undefined ? '' : ` ${proxy}`} ` : '';
  return {
    verdict: { reason: 'unreachable', retry: true },
    code,
    obstacle: phase === 'tunnel' ? 'proxy' : 'network',
    phrase: `${subject}${PHASES[phase]} within ${limit / 1000} s`,
  };
}

/** An alert or a handshake record of any version of TLS. */
function isTlsRecord(bytes: Buffer): boolean {
  return (bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 0x03;
}

/** got puts its own codes before the system's. */
function isOfGot(code: string): boolean {
  return code.startsWith('ERR_GOT') || code === 'ERR_READING_RESPONSE_STREAM';
}

/** The error, what caused it, and, where several addresses were tried, the failure of each. */
function* causes(error: unknown, depth = 0): Generator<SystemError> {
  if (!(error instanceof Error) || depth > 5) return;
  yield error;
  yield* causes(error.cause, depth + 1);
  const { errors } = error as SystemError;
  if (Array.isArray(errors)) for (const each of errors) yield* causes(each, depth + 1);
}
