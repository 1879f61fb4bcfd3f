/** Comparisons that are interrupted anywhere, while the table is changed and replaced between: what consumers hold in the end. */
import { expect, test } from 'vitest';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';
import { ConvexClient } from '../../../shared/convex/client.ts';
import { StreamingExport } from '../../../shared/convex/streaming-export.ts';
import { writeDifference } from '../../../source-convex/data-sync/difference.ts';
import type { RecordCursor } from '../../../source-convex/output/events.ts';
import { inLog, parseState, withHeld, type StreamState } from '../../../source-convex/streaming-export/state.ts';
import { TableStream } from '../../../source-convex/streaming-export/table-stream.ts';
import { SeededRandom } from '../../chaos/seeded-random.ts';

interface Held {
  ts: bigint;
  /** Undefined: deleted. */
  text: string | undefined;
}

/** What two kinds of destinations hold: the record that arrives last wins, or the one with the highest timestamp. */
class Consumers {
  readonly last = new Map<string, Held>();
  readonly highest = new Map<string, Held>();
  records = 0;

  /** Takes at most `limit` records; returns whether there were no more. */
  take(cursor: RecordCursor, limit: number): boolean {
    for (let taken = 0; taken < limit; taken++) {
      if (!cursor.next()) return true;
      const { buffer, start, end, head } = cursor.record;
      const { _id: id, text } = JSON.parse(buffer.toString('utf8', start, end)) as { _id: string; text?: string };
      const digits = Buffer.alloc(head!.tsLength);
      head!.copyTs(digits, 0);
      const held = { ts: BigInt(digits.toString()), text: head!.deleted === true ? undefined : text };
      this.records++;
      this.last.set(id, held);
      if ((this.highest.get(id)?.ts ?? 0n) <= held.ts) this.highest.set(id, held);
    }
    return false;
  }

  expectTruth(emulator: Emulator): void {
    const truth = Object.fromEntries(rowsOf(emulator).map(({ _id, text }) => [_id, text]));
    for (const rule of ['last', 'highest'] as const) {
      const documents = [...this[rule]].filter(([, { text }]) => text !== undefined);
      expect(Object.fromEntries(documents.map(([id, { text }]) => [id, text])), rule).toEqual(truth);
    }
  }
}

const rowsOf = ({ deployment }: Emulator) =>
  [...deployment.documents('t')].map((row) => ({ _id: row._id, text: (row as { text?: unknown }).text as string }));

let texts = 0;
const rows = (count: number) => Array.from({ length: count }, () => ({ text: `text ${++texts}` }));

/** Changes the table in one of the ways that there are. */
function change({ deployment }: Emulator, random: SeededRandom, all: readonly { _id: string }[]): void {
  const present = [...deployment.documents('t')].map(({ _id }) => _id);
  switch (random.below(5)) {
    case 0:
      deployment.load('t', rows(random.between(1, 6)));
      break;
    case 1:
      deployment.transaction((tx) => {
        for (const id of present) if (random.chance(0.3)) tx.delete(id);
        tx.insert('t', rows(1)[0]!);
      });
      break;
    case 2:
      deployment.transaction((tx) => {
        for (const id of present) if (random.chance(0.3)) tx.replace(id, rows(1)[0]!);
        tx.insert('t', rows(1)[0]!);
      });
      break;
    case 3: {
      // Ids that there are, ids that there were, and new ones.
      const kept = all.filter(() => random.chance(0.4));
      deployment.importTable('t', [...kept, ...rows(random.below(6))]);
      break;
    }
    default:
      // Nothing happens, so that the next snapshot may be the same.
      break;
  }
}

const LIMITS = { revisions: 6, gone: 3, tombstones: 2 };

/** One comparison, up to an interruption. Returns the state that the next run has. */
async function compare(
  api: StreamingExport,
  state: StreamState,
  consumers: Consumers,
  interrupted: (at: 'records' | 'position') => number | undefined,
): Promise<StreamState> {
  const planned = { descriptor: { name: 't' }, component: '', table: 't', excluded: [], incremental: true };
  const stream = new TableStream(
    0,
    { ...planned, syncId: undefined, plan: { kind: 'changes', cursor: state.deltaCursor!, dataSync: state.dataSync } },
    undefined,
  );
  stream.resumeAt(inLog(state.deltaCursor!));
  const snapshot = await api.pin();
  const place = state.dataSync!;
  stream.place = withHeld(place, snapshot);
  const save = () => parseState(JSON.stringify(stream.current().state()));
  let saved = save();
  const events = writeDifference(api, { stream, before: [state.deltaCursor!, ...place.held], snapshot }, LIMITS);
  for await (const event of events) {
    if (event.kind === 'records') {
      const limit = interrupted('records') ?? Infinity;
      if (!consumers.take(event.records, limit)) return saved;
      if (limit !== Infinity) return saved;
    } else if (event.kind === 'positions') {
      saved = parseState(JSON.stringify(event.positions[0]!.state()));
      if (interrupted('position') !== undefined) return saved;
    }
  }
  stream.place = { chain: null, held: [] };
  stream.position = inLog(snapshot);
  return save();
}

async function start(): Promise<AsyncDisposable & { emulator: Emulator; api: StreamingExport }> {
  const emulator = await startEmulator({ limits: { snapshotPage: 3 } });
  const http = new ConvexClient({
    origin: emulator.url,
    key: emulator.readOnlyKey,
    client: 'airbyte-export-1.2.3',
    userAgent: 'x',
    retries: { attempts: 5, maxTime: 60_000, minDelay: 1, maxDelay: 1 },
    onRetry: () => undefined,
  });
  return { emulator, api: new StreamingExport(http, 'json'), [Symbol.asyncDispose]: () => emulator.close() };
}

const position = (deltaCursor: string): StreamState => ({
  snapshotCursor: null,
  snapshotHasMore: false,
  deltaCursor,
  deployment: undefined,
  syncId: undefined,
  dataSync: { chain: null, held: [] },
});

test.each(Array.from({ length: 25 }, (_, seed) => seed + 1))('seed %i: both consumers are exact', async (seed) => {
  const random = new SeededRandom(seed);
  await using running = await start();
  const { emulator, api } = running;
  const consumers = new Consumers();
  const all = new Map<string, { _id: string; text: string }>();
  emulator.deployment.load('t', rows(12));
  // The destination has nothing yet.
  emulator.deployment.clearTable('t');
  let state = await compare(api, position(await api.pin()), consumers, () => undefined);
  emulator.deployment.load('t', rows(12));
  for (let run = 0; run < 12; run++) {
    for (const row of rowsOf(emulator)) all.set(row._id, row);
    change(emulator, random, [...all.values()]);
    const ends = random.chance(0.2);
    state = await compare(api, state, consumers, () =>
      !ends && random.chance(0.25) ? random.between(0, 3) : undefined,
    );
  }
  await compare(api, state, consumers, () => undefined);
  consumers.expectTruth(emulator);
});

test.each(['rows', 'tombstones'])(
  'a comparison that is interrupted again and again writes each record once: %s',
  async (what) => {
    await using running = await start();
    const { emulator, api } = running;
    const { deployment } = emulator;
    const consumers = new Consumers();
    deployment.load('t', rows(30));
    let state = position(await api.pin());
    for (const { _id } of rowsOf(emulator)) consumers.last.set(_id, { ts: 1n, text: 'old' });
    for (const [id, held] of consumers.last) consumers.highest.set(id, held);
    deployment.clearTable('t');
    if (what === 'rows') deployment.load('t', rows(40));
    const expected = what === 'rows' ? 70 : 30;
    let runs = 0;
    for (; state.dataSync!.held.length > 0 || runs === 0; runs++) {
      expect(runs).toBeLessThan(60);
      // At a state, so that it covers all that was written.
      const before = consumers.records;
      state = await compare(api, state, consumers, (at) =>
        at === 'position' && consumers.records > before + 4 ? 0 : undefined,
      );
    }
    expect(runs).toBeGreaterThan(5);
    expect(consumers.records).toBe(expected);
    consumers.expectTruth(emulator);
  },
);
