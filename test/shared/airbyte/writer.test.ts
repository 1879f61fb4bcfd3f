import { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolWriter, ReaderGone } from '../../../shared/airbyte/writer.ts';

/** A stdout whose reader takes a chunk only when it is told to. */
class Pipe {
  readonly taken: Buffer[] = [];
  readonly #waiting: { chunk: Buffer; done: (error?: Error | null) => void }[] = [];
  readonly stream: Writable;
  lost: Error | undefined;

  constructor({ manual = false } = {}) {
    this.stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#waiting.push({ chunk, done });
        if (!manual) queueMicrotask(() => this.take());
      },
    });
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** The reader takes what stands first, or has left. */
  take(): boolean {
    const first = this.#waiting.shift();
    if (first === undefined) return false;
    // What was written is the writer's again afterwards.
    if (this.lost === undefined) this.taken.push(Buffer.from(first.chunk));
    first.done(this.lost);
    return true;
  }

  get text(): string {
    return Buffer.concat(this.taken).toString();
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const gone = (code: string): Error => Object.assign(new Error(code), { code });

describe('what is written', () => {
  test('arrives in order, whole, whatever its sizes', async () => {
    const sizes = fc.array(fc.oneof(fc.nat(300), fc.integer({ min: 200_000, max: 600_000 })), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(sizes, async (lengths) => {
        const pipe = new Pipe();
        const writer = new ProtocolWriter(pipe.stream);
        let expected = '';
        for (const [i, length] of lengths.entries()) {
          const text = String(i % 10).repeat(length);
          const source = Buffer.from(`<${text}>`);
          writer.bytes(source, 1, source.length - 1);
          source.fill('#');
          writer.byte(10);
          expected += `${text}\n`;
          if (i % 3 === 0) await writer.room();
          if (i % 7 === 0) writer.flush();
        }
        await writer.drain();
        expect(pipe.text === expected).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('is collected, and shown when it is asked for', async () => {
    const pipe = new Pipe();
    const writer = new ProtocolWriter(pipe.stream);
    writer.message({ type: 'LOG', log: { level: 'INFO', message: 'a "b"\n' } });
    await turn();
    expect(pipe.text).toBe('');
    writer.flush();
    await turn();
    expect(pipe.text).toBe('{"type":"LOG","log":{"level":"INFO","message":"a \\"b\\"\\n"}}\n');
    writer.flush();
    await writer.drain();
    expect(pipe.taken).toHaveLength(1);
  });
});

describe('a slow reader', () => {
  test('is waited for beyond a bound, and no longer than until there is room', async () => {
    const pipe = new Pipe({ manual: true });
    const writer = new ProtocolWriter(pipe.stream, 1024 * 1024);
    writer.bytes(Buffer.alloc(1024 * 1024));
    await writer.room();
    writer.bytes(Buffer.alloc(1024 * 1024));
    let room = false;
    const waiting = writer.room().then(() => (room = true));
    for (let i = 0; i < 3; i++) {
      await turn();
      expect(room).toBe(false);
      pipe.take();
    }
    await waiting;
    expect(room).toBe(true);
    while (pipe.take());
  });

  test('gets everything before the end', async () => {
    const pipe = new Pipe({ manual: true });
    const writer = new ProtocolWriter(pipe.stream);
    writer.bytes(Buffer.alloc(700_000, 'x'));
    let drained = false;
    const draining = writer.drain().then(() => (drained = true));
    while (pipe.waiting > 0) {
      await turn();
      expect(drained).toBe(false);
      pipe.take();
      await turn();
    }
    await draining;
    expect(pipe.text).toHaveLength(700_000);
  });

  test('is not waited for at the end because of what is written meanwhile', async () => {
    const pipe = new Pipe({ manual: true });
    const writer = new ProtocolWriter(pipe.stream);
    writer.bytes(Buffer.alloc(700_000, 'x'));
    let closed = false;
    const closing = writer.close().then(() => (closed = true));
    for (let turns = 0; turns < 100 && !closed; turns++) {
      writer.bytes(Buffer.alloc(300_000, 'y'));
      pipe.take();
      await turn();
    }
    expect(closed).toBe(true);
    await closing;
    expect(pipe.text.startsWith('x'.repeat(700_000))).toBe(true);
  });
});

describe('a reader that has left', () => {
  test.each(['EPIPE', 'ERR_STREAM_DESTROYED'])(
    '%s: is noticed by whoever waits, and by whoever writes next',
    async (code) => {
      const pipe = new Pipe({ manual: true });
      const writer = new ProtocolWriter(pipe.stream, 100);
      writer.bytes(Buffer.alloc(300_000));
      const waiting = writer.room();
      pipe.lost = gone(code);
      pipe.take();
      await expect(waiting).rejects.toThrow(ReaderGone);
      writer.bytes(Buffer.alloc(10_000_000));
      await expect(writer.room()).rejects.toThrow(ReaderGone);
      await expect(writer.drain()).rejects.toThrow(ReaderGone);
      // At the end nobody has to know.
      await writer.close();
    },
  );

  test('is told to whoever listens', async () => {
    const pipe = new Pipe();
    const writer = new ProtocolWriter(pipe.stream);
    const failures: Error[] = [];
    writer.onFailure((failure) => failures.push(failure));
    pipe.lost = gone('EPIPE');
    writer.byte(10);
    writer.flush();
    await turn();
    expect(failures).toEqual([expect.any(ReaderGone)]);
    writer.onFailure((failure) => failures.push(failure));
    expect(failures).toHaveLength(2);
  });
});

describe('a disk that is full', () => {
  test('is an error, not a reader that has left', async () => {
    const pipe = new Pipe();
    const writer = new ProtocolWriter(pipe.stream);
    pipe.lost = gone('ENOSPC');
    writer.byte(10);
    await expect(writer.drain()).rejects.toThrow('ENOSPC');
    await expect(writer.close()).rejects.toThrow('ENOSPC');
  });

  test('is noticed also where writing is done at once: files', async () => {
    const stream = new Writable({
      write: (_chunk, _encoding, done) => {
        done(gone('ENOSPC'));
      },
    });
    const writer = new ProtocolWriter(stream);
    writer.byte(10);
    await expect(writer.drain()).rejects.toThrow('ENOSPC');
  });
});
