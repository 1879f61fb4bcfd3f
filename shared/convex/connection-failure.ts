/** Classifies failures of connections. Pure. */
import { ConnectTimeout, type ConnectPhase } from './time-limits.ts';
import type { Obstacle, Reason } from './errors.ts';

/** All of them are retried. */
export interface ConnectionFailure {
  reason: Reason;
  /** Code of the system, of OpenSSL or of Node, such as `ECONNREFUSED`. */
  code: string;
  /** Undefined if a connection broke off for an unknown reason. */
  obstacle: Obstacle | undefined;
  /** What did not happen, where the code alone does not say: "the DNS lookup did not end within 15 s". */
  phrase: string | undefined;
}

interface SystemError extends Error {
  code?: string;
  syscall?: string;
  errors?: unknown[];
  /** From the HTTP parser: the bytes that are not HTTP. */
  rawPacket?: Buffer;
  /** From a tunnel: the status of the proxy's answer. */
  statusCode?: number;
}

export interface Attempt {
  /** Host and port of the proxy, if any. */
  proxy: string | undefined;
  /** Whether the URL is an http URL. */
  http: boolean;
  /** Whether an answer had begun. */
  answered: boolean;
}

/** Classifies the error of a failed request. Undefined for one without a code: it is not of a connection. */
export function connectionFailure(error: unknown, { proxy, http, answered }: Attempt): ConnectionFailure | undefined {
  const chain = [...causes(error)];
  const timeout = chain.find((each) => each instanceof ConnectTimeout);
  if (timeout !== undefined) return timedOut(timeout, proxy);
  const codes = chain.flatMap(({ code }) => (code === undefined ? [] : [code]));
  const code = codes.find((each) => !isOfGot(each)) ?? codes[0];
  if (code === undefined) return undefined;
  const unreachable = (obstacle: Obstacle, phrase?: string) =>
    ({ reason: 'unreachable', code, obstacle, phrase }) as const;
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
  // A connection closed during the TLS handshake has the code of an established one, but another message.
  if (said.includes('before secure TLS connection'))
    return unreachable('network', 'the connection was closed during the TLS handshake');
  const connecting = chain.some(({ syscall }) => syscall === 'connect' || syscall === 'getaddrinfo');
  if (connecting || code === 'EPROTO' || /^ERR_(?:SSL|TLS)/.test(code)) return unreachable('network');
  // HPE: a code of the HTTP parser.
  const reason = code.startsWith('HPE_') ? 'not-convex' : 'transient';
  const obstacle = http && !answered && code === 'ECONNRESET' ? 'may-want-https' : undefined;
  return { reason, code, obstacle, phrase: undefined };
}

const CERTIFICATE =
  /^(?:(?:UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|CRL_|ERROR_IN_CERT_|ERROR_IN_CRL_|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_)|ERR_TLS_CERT_)/;

/** OpenSSL's codes for bytes that are not TLS. */
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
    reason: 'unreachable',
    code,
    obstacle: phase === 'tunnel' ? 'proxy' : 'network',
    phrase: `${subject}${PHASES[phase]} within ${limit / 1000} s`,
  };
}

/** An alert or a handshake record, of any version of TLS. */
function isTlsRecord(bytes: Buffer): boolean {
  return (bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 0x03;
}

/** got puts its own codes before the system's. */
function isOfGot(code: string): boolean {
  return code.startsWith('ERR_GOT') || code === 'ERR_READING_RESPONSE_STREAM';
}

/** The error, its causes, and the failure of each address that was tried. */
function* causes(error: unknown, depth = 0): Generator<SystemError> {
  if (!(error instanceof Error) || depth > 5) return;
  yield error;
  yield* causes(error.cause, depth + 1);
  const { errors } = error as SystemError;
  if (Array.isArray(errors)) for (const each of errors) yield* causes(each, depth + 1);
}
