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

test('the deployment is asked once for each part of a name, whoever needs it', async () => {
  const asked: string[] = [];
  const intake = new Intake({
    streams: [STREAM],
    sender: {} as BatchSender,
    rejections: {} as Rejections,
    ledger: new Ledger(1),
    warn: () => undefined,
    spellingOf: (part) => {
      asked.push(part);
      return Promise.resolve(part === 'ö' ? 'o' : undefined);
    },
  });
  expect([await intake.spellingOf('ö'), await intake.spellingOf('ö')]).toEqual(['o', 'o']);
  expect([await intake.spellingOf('\u{e000}'), await intake.spellingOf('\u{e000}')]).toEqual([undefined, undefined]);
  expect(asked).toEqual(['ö', '\u{e000}']);
});
