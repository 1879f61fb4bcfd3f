import { describe, expect, test } from 'vitest';
import { streamBytes } from '../../destination-convex/request-body.ts';
import { BatchSender } from '../../destination-convex/batch-sender.ts';
import { planStreams } from '../../destination-convex/streams.ts';
import type { ConfiguredAirbyteStream } from '../../shared/airbyte/protocol.generated.ts';
import { append, catalogOf, dedup } from './setup.ts';

const streams = planStreams((catalogOf([append('a'), dedup('b')]) as { streams: ConfiguredAirbyteStream[] }).streams);

/** A sender whose requests end when the test ends them. */
function senderOf(maxAge = 60_000) {
  const sent: { texts: string[]; end: () => void; fail: (error: Error) => void }[] = [];
  const durable: number[] = [];
  const sender = new BatchSender({
    limits: { dedup: { bytes: 10_000, messages: 10 }, append: { bytes: 10_000, messages: 10 } },
    bytes: streams.map(streamBytes),
    maxAge,
    send: async ({ requests, lastRecord }) => {
      for (const body of requests) {
        const texts = Array.from({ length: body.count }, (_, index) => body.data(index).toString());
        await new Promise<void>((resolve, reject) => sent.push({ texts, end: resolve, fail: reject }));
      }
      durable.push(lastRecord);
    },
  });
  let records = 0;
  const put = (index: number, text: string) => {
    const { batch } = sender;
    batch.bodyFor(streams[index]!).add(streams[index]!, ++records, Buffer.from(text), 0, text.length);
    batch.lastRecord = records;
    sender.touched();
  };
  return { sender, sent, durable, put };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('the sender', () => {
  test('sends one batch while the next is filled, one request after the other', async () => {
    const { sender, sent, durable, put } = senderOf();
    expect(sender.idle).toBe(true);
    put(0, '{"n":1}');
    put(1, '{"n":2}');
    await sender.submit();
    // The batch in flight is not durable yet.
    expect([sender.batch.empty, sender.idle]).toEqual([true, false]);
    put(0, '{"n":3}');
    let second = false;
    const waiting = sender.submit().then(() => (second = true));
    await turn();
    expect(sent.map(({ texts }) => texts)).toEqual([['{"n":2}']]);
    sent[0]!.end();
    await turn();
    expect(sent.at(-1)!.texts).toEqual(['{"n":1}']);
    expect([durable, second, sender.idle]).toEqual([[], false, false]);
    sent[1]!.end();
    await waiting;
    expect(durable).toEqual([2]);
    const finished = sender.finish();
    sent[2]!.end();
    await finished;
    expect(durable).toEqual([2, 3]);
    expect(sender.idle).toBe(true);
  });

  test('sends a batch that has reached its maximum age as soon as it can', async () => {
    const { sender, sent, put } = senderOf(1);
    put(0, '{"n":1}');
    while (sent.length < 1) await turn();
    put(0, '{"n":2}');
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(sent).toHaveLength(1);
    sent[0]!.end();
    while (sent.length < 2) await turn();
    sent[1]!.end();
    while (!sender.idle) await turn();
  });

  test('is never idle again after a failure, so that nothing counts as durable', async () => {
    const { sender, sent, durable, put } = senderOf();
    put(0, '{"n":1}');
    await sender.submit();
    const reading = sender.orFailure(new Promise(() => undefined));
    sent[0]!.fail(new Error('refused'));
    await expect(reading).rejects.toThrow('refused');
    expect(sender.idle).toBe(false);
    put(0, '{"n":2}');
    await expect(sender.submit()).rejects.toThrow('refused');
    await expect(sender.finish()).rejects.toThrow('refused');
    await expect(sender.orFailure(Promise.resolve(1))).rejects.toThrow('refused');
    expect(sent).toHaveLength(1);
    expect(durable).toEqual([]);
  });

  test('can be stopped with an error, also while a request is in flight', async () => {
    const { sender, put } = senderOf();
    put(0, '{"n":1}');
    await sender.submit();
    put(0, '{"n":2}');
    const waiting = sender.submit();
    sender.fail(new Error('nobody listens'));
    await expect(waiting).rejects.toThrow('nobody listens');
  });
});
