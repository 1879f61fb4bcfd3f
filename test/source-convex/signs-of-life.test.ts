/** What a long sync says of itself. */
import { describe, expect, test } from 'vitest';
import { logsOf, messagesOf, statesOf } from '../support/messages.ts';
import { startProxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { recordsOf, replay, savedStates, Source, people } from './setup.ts';

const SNAPSHOT = '/api/list_snapshot';
const DELTAS = '/api/document_deltas';

/** A proxy that holds back request number `held` (from 0) to a path until `release` is called. */
async function holding(source: Source, path: string, held: number) {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let requests = 0;
  const proxy = await startProxy(source.emulator.url, {
    request: async (exchange) => {
      if (exchange.path === path && requests++ === held) await released;
      return undefined;
    },
  });
  return { proxy, release };
}

const isState = (line: string): boolean => line.startsWith('{"type":"STATE"');

describe('signs of life', () => {
  // Only the heartbeat writes states here.
  const env = { CONVEX_CONNECTOR_HEARTBEAT_MS: '100', CONVEX_CONNECTOR_CHECKPOINT_MS: '600000' };

  test('states while a page is waited for, though nothing is read', async () => {
    await using source = await Source.start({ limits: { deltaRows: 2 } });
    source.deployment.load('a', people(2));
    source.deployment.load('b', people(2));
    const first = await source.readAll({ streams: ['a', 'b'] });
    source.deployment.load('a', people(4), { perTransaction: 1 });
    const { proxy, release } = await holding(source, DELTAS, 1);
    await using _proxy = proxy;
    const config = { deployment_url: proxy.url };
    const run = source.startRead({ streams: ['a', 'b'], state: savedStates(first), env, config });
    // One for b, which has moved without records; then, since nothing moves, some state again and again.
    await until('five states', () => run.lines.filter(isState).length >= 5);
    release();
    const { code, lines } = await run.finished;
    expect(code).toBe(0);
    expect(replay([...recordsOf(first), ...recordsOf(lines)], 'a')).toEqual(source.truth('a'));
  });

  test('states while the first page of all is waited for', async () => {
    await using source = await Source.start();
    source.deployment.load('a', people(2));
    const { proxy, release } = await holding(source, SNAPSHOT, 1);
    await using _proxy = proxy;
    const run = source.startRead({ streams: ['a'], env, config: { deployment_url: proxy.url } });
    await until('four states', () => run.lines.filter(isState).length >= 4);
    release();
    const { code, lines } = await run.finished;
    expect(code).toBe(0);
    expect(replay(recordsOf(lines), 'a')).toEqual(source.truth('a'));
  });

  test('progress in the log: what, how far, how fast', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 3, deltaRows: 4 } });
    source.deployment.load('a', people(4));
    const env = { CONVEX_CONNECTOR_PROGRESS_MS: '0' };
    const first = await source.readAll({ streams: ['a'], env });
    const shown = (lines: readonly string[]) =>
      logsOf(lines)
        .filter((line) => /^INFO (Snapshot|Changes)/.test(line))
        .map((line) => line.replace(/\([\d,]+ records\/s\)/, '(N records/s)'));
    expect(shown(first)).toEqual([
      'INFO Snapshot: 1 page, 3 records (N records/s), 0 of 1 stream done.',
      'INFO Snapshot: 2 pages, 4 records (N records/s), 1 of 1 stream done.',
      'INFO Changes: 1 page, 0 records (N records/s), up to 2026-09-21 14:13:20 UTC.',
    ]);
    source.deployment.load('a', people(6), { perTransaction: 1 });
    const second = await source.readAll({ streams: ['a'], env, state: savedStates(first) });
    expect(shown(second)).toEqual([
      'INFO Changes: 1 page, 4 records (N records/s), up to 2026-09-21 14:13:20 UTC.',
      'INFO Changes: 2 pages, 6 records (N records/s), up to 2026-09-21 14:13:20 UTC.',
    ]);
  });

  test('no more lines than a human wants to read', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 2 } });
    source.deployment.load('a', people(40));
    const lines = await source.readAll({ streams: ['a'], env: { CONVEX_CONNECTOR_CHECKPOINT_MS: '5000' } });
    expect(messagesOf(lines).filter(({ type }) => type === 'LOG')).toHaveLength(4);
    expect(statesOf(lines)).toHaveLength(3);
  });
});
