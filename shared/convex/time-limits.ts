/** Time limits of a request: until it can be sent, and between the chunks of its answer. */
import type { ClientRequest } from 'node:http';
import { isIP, setDefaultAutoSelectFamilyAttemptTimeout, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Request } from 'got';

/**
 * Milliseconds for each address of a host. With Node's 250 ms, all addresses of a distant host fail. Set
 * globally, since an agent's option does not apply to the connection to a proxy.
 */
const ADDRESS_ATTEMPT = 4_000;
setDefaultAutoSelectFamilyAttemptTimeout(ADDRESS_ATTEMPT);

export type ConnectPhase = 'dns' | 'tcp' | 'tunnel' | 'tls';

/** No connection was made within the limit. */
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
 * milliseconds.
 *
 * got's own limits begin with a socket, which an agent gives only after the tunnel of a proxy is open, and
 * take a proxy's address for an endless DNS lookup. `request.destroy` would not report an error without a
 * socket.
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
 * Yields the chunks of an answer. Fails with ETIMEDOUT after `idle` milliseconds without a byte. Only the
 * time that the next chunk is waited for counts, so a slow reader does not fail.
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
