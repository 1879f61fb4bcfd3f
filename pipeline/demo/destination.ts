/**
 * The emulated deployment that the demo copies into, in a thread of its own: it imports while the main thread serves what is read. This
 * module is both the thread and what the main thread sees of it.
 */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Deployment, startEmulator, type ValueObject } from '../../emulator/index.ts';
import { compare, type Comparison } from './compare.ts';
import { type Digest, Digests, sameDigests } from './digests.ts';

interface Started {
  url: string;
  importOnlyKey: string;
}
/** What the thread is asked, and what it answers. */
interface Answers {
  requests: number;
  digests: Digest[];
  copies: [table: string, documents: ValueObject[]][];
}
type Question = keyof Answers;

/** MiB of new objects before a collection: most of what an import makes stays, and would be copied each time. */
const YOUNG = 128;
const OLD = 4096;

export class Destination {
  readonly url: string;
  readonly key: string;
  readonly #worker: Worker;
  readonly #expected = new Digests();
  /** Rejects when the thread ends. */
  readonly #ended: Promise<never>;

  private constructor(worker: Worker, { url, importOnlyKey }: Started) {
    this.#worker = worker;
    this.url = url;
    this.key = importOnlyKey;
    this.#ended = new Promise((_, reject) => {
      worker.once('error', reject);
      worker.once('exit', () => {
        reject(new Error('The thread of the destination has ended.'));
      });
    });
    this.#ended.catch(() => undefined);
  }

  static async start(options: { instanceName: string; seed: number }): Promise<Destination> {
    const worker = new Worker(import.meta.filename, {
      workerData: options,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG, maxOldGenerationSizeMb: OLD },
    });
    const [started] = (await once(worker, 'message')) as [Started];
    return new Destination(worker, started);
  }

  /** How many requests it has had. */
  requests(): Promise<number> {
    return this.#ask('requests');
  }

  /**
   * Compares all documents of a deployment with their copies. Those that differ are fetched and named. `imported`: a table that was imported
   * over, whose copies may have later timestamps.
   */
  async compare(source: Deployment, imported?: string): Promise<Comparison> {
    // Both threads compute their digests at the same time.
    const asked = this.#ask('digests');
    const others = (digests: readonly Digest[]) => digests.filter(({ table }) => table !== imported);
    const expected = this.#expected.expected(source);
    const equal = sameDigests(others(expected), others(await asked));
    const documents = expected.reduce((sum, digest) => sum + digest.documents, 0);
    if (equal && imported === undefined) return { documents, differences: [] };
    const copies = new Map(await this.#ask('copies', equal ? imported : undefined));
    const { differences } = compare(
      source,
      {
        tables: () => [...copies.keys()].map((table) => ({ table })),
        documents: (table) => copies.get(table) ?? [],
      },
      equal ? imported : undefined,
    );
    return { documents, differences };
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  /** One question at a time. @throws Error where the thread fails or has ended */
  async #ask<Q extends Question>(question: Q, table?: string): Promise<Answers[Q]> {
    const answer = once(this.#worker, 'message') as Promise<[Answers[Q]]>;
    this.#worker.postMessage({ question, table });
    const [value] = await Promise.race([answer, this.#ended]);
    return value;
  }
}

async function serve(): Promise<void> {
  const emulator = await startEmulator(workerData as { instanceName: string; seed: number });
  const { deployment, url, importOnlyKey } = emulator;
  const digests = new Digests();
  const answers: { [Q in Question]: (table?: string) => Answers[Q] } = {
    requests: () => emulator.journal.count(),
    digests: () => digests.found(deployment),
    copies: (only) =>
      deployment
        .tables()
        .filter(({ table }) => only === undefined || table === only)
        .map(({ table }) => [table, [...deployment.documents(table)]]),
  };
  parentPort?.on('message', ({ question, table }: { question: Question; table?: string }) => {
    parentPort?.postMessage(answers[question](table));
  });
  parentPort?.postMessage({ url, importOnlyKey } satisfies Started);
}

if (!isMainThread && parentPort !== null) await serve();
