import { expect, test } from 'vitest';
import { Intake } from '../../destination-convex/intake.ts';
import { Ledger } from '../../destination-convex/ledger.ts';
import type { BatchSender } from '../../destination-convex/batch-sender.ts';
import type { Rejections } from '../../destination-convex/rejections.ts';
import type { StreamPlan } from '../../destination-convex/streams.ts';

const STREAM = { index: 0, text: 't', key: undefined, appendsDeletions: false } as unknown as StreamPlan;

test('the ledger does not know a record before the deployment has said how its fields are spelled', async () => {
  const ledger = new Ledger(1);
  const answers: PromiseWithResolvers<string>[] = [];
  const intake = new Intake({
    streams: [STREAM],
    // Neither is used before the answer.
    sender: {} as BatchSender,
    rejections: {} as Rejections,
    ledger,
    warn: () => undefined,
    spellings: new Map(),
    spellingOf: () => {
      const answer = Promise.withResolvers<string>();
      answers.push(answer);
      return answer.promise;
    },
  });
  const data = Buffer.from('{"größe":1,"länge":2}');
  const taken = intake.take(0, data, 0, data.length);
  expect(answers).toHaveLength(1);
  // What is durable now is every record that the ledger knows: a state that comes later must not count this one among them.
  expect(ledger.received).toBe(0);
  answers[0]!.reject(new Error('no answer'));
  await expect(taken).rejects.toThrow('no answer');
  expect(ledger.received).toBe(0);
});

test('the ledger does not know a record before there is room for it in a batch', async () => {
  const ledger = new Ledger(1);
  const sent = Promise.withResolvers<undefined>();
  const intake = new Intake({
    streams: [STREAM],
    // Its batch is full, and the one before is being sent.
    sender: {
      batch: { bodyFor: () => ({ count: 1, fits: () => false }) },
      submit: () => sent.promise,
    } as unknown as BatchSender,
    rejections: {} as Rejections,
    ledger,
    warn: () => undefined,
    spellings: new Map(),
    spellingOf: () => Promise.resolve(undefined),
  });
  const data = Buffer.from('{"a":1}');
  const taken = intake.take(0, data, 0, data.length);
  // The batch with all earlier records may be written meanwhile. Then every record that the ledger knows is durable.
  expect(ledger.received).toBe(0);
  sent.reject(new Error('no answer'));
  await expect(taken).rejects.toThrow('no answer');
  expect(ledger.received).toBe(0);
});
