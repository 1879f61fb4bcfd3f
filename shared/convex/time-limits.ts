/** The limit on everything that comes before a request can be sent: DNS, TCP, the tunnel of a proxy, TLS. */
import type { ClientRequest } from 'node:http';
import { isIP, setDefaultAutoSelectFamilyAttemptTimeout, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Request } from 'got';

/**
 * Milliseconds for one address of a host that has several. Node's 250 ms are less than a handshake takes to a
 * host far away, and then every address is given up. Set globally: the option of an agent does not reach the
 * connection to a proxy.
 */
const ADDRESS_ATTEMPT = 4_000;
setDefaultAutoSelectFamilyAttemptTimeout(ADDRESS_ATTEMPT);

export type ConnectPhase = 'dns' | 'tcp' | 'tunnel' | 'tls';

/** A connection that did not come about within its limit. */
export class ConnectTimeout extends Error {
  override readonly name = 'ConnectTimeout';
  readonly code = 'ETIMEDOUT';
  readonly phase: ConnectPhase;
  /** Milliseconds. */
  readonly limit: number;

  constructor(phase: ConnectPhase, limit: number) {
    super(`no connection within ${limit} ms (${phase})`);
    this.phase = phase;
    this.limit = limit;
  }
}

/**
 * Calls `fail` with a `ConnectTimeout` if `request` has no connection, TLS included, within `limit`
 * milliseconds. got's own limits begin when there is a socket, and an agent gives none before the tunnel of a
 * proxy stands. They also take a proxy's address for a DNS lookup that never ends. Destroying the request
 * would not do: without a socket it keeps its error to itself.
 */
export function limitConnecting(request: ClientRequest, limit: number, fail: (error: ConnectTimeout) => void): void {
  let socket: Socket | undefined;
  let resolved = false;
  const timer = setTimeout(() => {
    if (socket === undefined) fail(new ConnectTimeout('tunnel', limit));
    else if (!isReady(socket)) fail(new ConnectTimeout(!socket.connecting ? 'tls' : resolved ? 'tcp' : 'dns', limit));
  }, limit);
  const stop = () => {
    clearTimeout(timer);
  };
  request.once('close', stop);
  request.once('socket', (given) => {
    socket = given;
    if (isReady(given)) return stop();
    resolved = isIP(request.host) !== 0;
    given.once('lookup', () => (resolved = true));
    given.once(isTls(given) ? 'secureConnect' : 'connect', stop);
  });
}

function isReady(socket: Socket): boolean {
  return !socket.connecting && !(isTls(socket) && socket.secureConnecting);
}

function isTls(socket: Socket): socket is TLSSocket & { secureConnecting: boolean } {
  return 'encrypted' in socket;
}

/**
 * The chunks of an answer. Fails with ETIMEDOUT after `idle` milliseconds without a byte. Only the time that
 * the next chunk is waited for counts: a slow reader is no stall.
 */
export async function* withIdleTimeout(stream: Request, idle: number): AsyncGenerator<Buffer> {
  let waiting = true;
  const timer = setTimeout(() => {
    if (waiting) stream.destroy(Object.assign(new Error('no bytes for too long'), { code: 'ETIMEDOUT' }));
    else timer.refresh();
  }, idle);
  try {
    for await (const chunk of stream) {
      waiting = false;
      yield chunk as Buffer;
      waiting = true;
      timer.refresh();
    }
  } finally {
    clearTimeout(timer);
  }
}
