import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Ledger, type Coverage, type Entry, type ReceivedState } from '../../destination-convex/ledger.ts';

const state = (name: string): ReceivedState => ({ line: Buffer.from(name), start: 0, end: name.length });
const names = (entries: Iterable<Entry>) => [...entries].map(({ state: { line } }) => line.toString());

describe('the ledger', () => {
  test('echoes a STATE once every record before it is durable, of all streams', () => {
    const ledger = new Ledger(2);
    ledger.record(0);
    ledger.state(1, state('b0'));
    ledger.record(1);
    ledger.state(1, state('b1'));
    expect(names(ledger.take())).toEqual([]);
    ledger.durable(1);
    expect(names(ledger.take())).toEqual(['b0']);
    ledger.durable(2);
    expect(names(ledger.take())).toEqual(['b1']);
    expect(names(ledger.take())).toEqual([]);
  });

  test('counts refused records as rejected, in the STATE that covers them', () => {
    const ledger = new Ledger(2);
    ledger.record(0);
    ledger.state(0, state('a1'));
    const refused = ledger.record(0);
    ledger.record(1);
    ledger.state('all', state('g'));
    ledger.state(0, state('a2'));
    const later = ledger.record(0);
    ledger.reject(0, refused, false);
    ledger.reject(0, later, false);
    ledger.state(0, state('a3'));
    ledger.state('all', state('g2'));
    ledger.durable(9);
    expect([...ledger.take()].map(({ records, rejected }) => [records, rejected])).toEqual([
      [1, 0],
      [2, 1],
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
  });

  test('never echoes a STATE that covers a record whose refusal fails the sync', () => {
    const ledger = new Ledger(2);
    ledger.record(0);
    ledger.state(0, state('before'));
    const refused = ledger.record(0);
    ledger.state(1, state('other'));
    ledger.state('all', state('global'));
    ledger.state(0, state('after'));
    ledger.reject(0, refused, true);
    ledger.durable(9);
    expect(names(ledger.take())).toEqual(['before', 'other']);
    ledger.record(0);
    ledger.state(0, state('much later'));
    ledger.durable(9);
    expect(names(ledger.take())).toEqual([]);
  });

  test('merges held STATEs that take too much memory: the newest of each stream stays, with all counts', () => {
    const ledger = new Ledger(2, { holding: [0, 1], maxHeldBytes: 1_000 });
    for (let n = 0; n < 100; n++) {
      ledger.record(0);
      ledger.state(0, state(`a${n} ${'x'.repeat(100)}`));
      if (n % 10 === 0) ledger.state(1, state(`b${n}`));
      ledger.durable(ledger.received);
      expect(names(ledger.take())).toEqual([]);
    }
    ledger.release(0);
    ledger.release(1);
    const entries = [...ledger.take()];
    expect(entries.length).toBeLessThan(12);
    expect(entries.at(-1)!.state.line.toString()).toMatch(/^a99 /);
    expect(names(entries)).toContain('b90');
    expect(entries.reduce((sum, { coverage, records }) => sum + (coverage === 0 ? records : 0), 0)).toBe(100);
    expect(entries.length + ledger.merged).toBe(110);
  });
});

type Step =
  | { do: 'record' | 'release'; stream: number }
  | { do: 'state'; coverage: Coverage }
  | { do: 'durable'; share: number }
  | { do: 'take' };

const STREAMS = 3;
const stream = fc.nat(STREAMS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: stream.map((index): Step => ({ do: 'record', stream: index })) },
  {
    weight: 4,
    arbitrary: fc.oneof(stream, fc.constant('all' as const)).map((coverage): Step => ({ do: 'state', coverage })),
  },
  { weight: 2, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }).map((share): Step => ({ do: 'durable', share })) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'take' }) },
  { weight: 1, arbitrary: stream.map((index): Step => ({ do: 'release', stream: index })) },
);

test('property: a STATE is echoed only after its records, in order, and each record is counted once', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.uniqueArray(stream), (steps, holding) => {
      const ledger = new Ledger(STREAMS, { holding });
      const held = new Set(holding);
      const sent: { coverage: Coverage; position: number }[] = [];
      const echoed: number[] = [];
      const counted = new Map<Coverage, number>();
      let durable = 0;
      const take = () => {
        for (const {
          coverage,
          state: { line },
          records,
        } of ledger.take()) {
          const number = Number(line.toString());
          const { position } = sent[number]!;
          expect(position).toBeLessThanOrEqual(durable);
          expect(coverage === 'all' ? held.size : held.has(coverage as number)).toBeFalsy();
          // STATEs of one coverage are echoed in order.
          const before = echoed.filter((earlier) => sent[earlier]!.coverage === coverage);
          expect(before.every((earlier) => earlier < number)).toBe(true);
          echoed.push(number);
          counted.set(coverage, (counted.get(coverage) ?? 0) + records);
        }
      };
      for (const action of [...steps, { do: 'durable', share: 1 } as const, { do: 'take' } as const]) {
        switch (action.do) {
          case 'record':
            ledger.record(action.stream);
            break;
          case 'state':
            ledger.state(action.coverage, state(String(sent.length)));
            sent.push({ coverage: action.coverage, position: ledger.received });
            break;
          case 'durable':
            durable = Math.max(durable, Math.floor(action.share * ledger.received));
            ledger.durable(durable);
            break;
          case 'release':
            held.delete(action.stream);
            ledger.release(action.stream);
            break;
          case 'take':
            take();
        }
      }
      held.clear();
      for (let index = 0; index < STREAMS; index++) ledger.release(index);
      take();
      // At the end every STATE was echoed, and every record before the last STATE was counted once.
      expect([...echoed].sort((a, b) => a - b)).toEqual(sent.map((_, number) => number));
      const lastGlobal = sent.findLast(({ coverage }) => coverage === 'all');
      expect(counted.get('all') ?? 0).toBe(lastGlobal?.position ?? 0);
    }),
    { numRuns: 500 },
  );
});
