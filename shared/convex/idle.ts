import type { Request } from 'got';

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
