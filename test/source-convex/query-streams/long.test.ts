/** Query streams that take long, or much. */
import { expect, test } from 'vitest';
import { statesOf } from '../../support/messages.ts';
import { appOf, dataOf, PAGE, readQueries, startQueries, truthOf } from './setup.ts';

test('while a page is waited for, the last state says that the source is alive', async () => {
  await using source = await appOf();
  source.deployment.load(
    'notes',
    Array.from({ length: 6 }, (_, n) => ({ n })),
  );
  source.emulator.faults.add({ kind: 'latency', ms: 1000, after: 1 });
  const { code, lines } = await readQueries(source, [PAGE], { env: { CONVEX_CONNECTOR_HEARTBEAT_MS: '50' } });
  expect(code).toBe(0);
  const states = statesOf(lines).flatMap((state) => (state.type === 'STREAM' ? [state] : []));
  const repeated = states.filter(({ sourceStats }) => sourceStats?.recordCount === 0);
  expect(repeated.length).toBeGreaterThan(2);
  for (const { stream } of repeated) expect(stream).toEqual(states[0]?.stream);
  expect(states.reduce((sum, { sourceStats }) => sum + (sourceStats?.recordCount ?? 0), 0)).toBe(6);
  expect(dataOf(lines).sort()).toEqual(truthOf(source));
});

test('pages of 16 MiB pass within 256 MiB, however slowly they are read', async () => {
  await using source = await appOf();
  const text = 'x\n"\u{1F600}'.repeat(80_000);
  source.deployment.load(
    'notes',
    Array.from({ length: 75 }, (_, n) => ({ n, text })),
    { perTransaction: 5 },
  );
  let bytes = 0;
  const stream = { ...PAGE, page_size: 15 };
  const run = source.startRead(
    {
      streams: ['notes'],
      config: { access_key: undefined, deployment_url: source.emulator.url, query_streams: [stream] },
    },
    { onChunk: (chunk) => (bytes += chunk.length) },
  );
  const { code } = await run.finished;
  expect(code).toBe(0);
  expect(bytes).toBeGreaterThan(75 * 700_000);
  expect(run.peak).toBeGreaterThan(0);
  expect(run.peak).toBeLessThan(256 * 1024 * 1024);
});

test('a reader that leaves ends it quietly', async () => {
  await using source = await appOf();
  source.deployment.load(
    'notes',
    Array.from({ length: 5000 }, (_, n) => ({ n, text: 'x'.repeat(2000) })),
  );
  const run = startQueries(source, [{ ...PAGE, page_size: 500 }]);
  await run.line('a record', (line) => line.startsWith('{"type":"RECORD"'));
  run.child.stdout.destroy();
  const { code, stderr } = await run.finished;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
