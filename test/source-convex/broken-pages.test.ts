/** Pages that break off, or are not what they were. */
import { describe, expect, test } from 'vitest';
import { errorsOf, logsOf } from '../support/messages.ts';
import { startProxy } from '../support/proxy.ts';
import { lastState, recordsOf, replay, savedStates, Source } from './setup.ts';

const people = (n: number): object[] =>
  Array.from({ length: n }, (_, i) => ({ name: `Person ${i}`, text: 'é"\\{}[]' }));
const SNAPSHOT = '/api/list_snapshot';
const DELTAS = '/api/document_deltas';

describe('a page that breaks off', () => {
  test('at any byte is fetched again, and every document comes once', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 40 } });
    source.deployment.load('t', people(6));
    // How long the page is: all its offsets matter, from the first byte to the last.
    const probe = await source.readAll({ streams: ['t'] });
    const page = await fetch(`${source.emulator.url}${SNAPSHOT}?tableName=t`, {
      headers: { authorization: `Convex ${source.emulator.readOnlyKey}` },
    });
    const { length } = await page.text();
    expect(recordsOf(probe)).toHaveLength(6);
    expect(length).toBeGreaterThan(900);
    for (let offset = 0; offset < length; offset += 97) {
      source.emulator.faults.clear();
      // Twice: the second time a little further, the third time it comes whole.
      source.emulator.faults.add({ kind: 'truncate-body', path: SNAPSHOT, after: 1, bytes: offset });
      source.emulator.faults.add({ kind: 'truncate-body', path: SNAPSHOT, after: 1, bytes: offset + 40 });
      const lines = await source.readAll({ streams: ['t'] });
      expect(recordsOf(lines)).toHaveLength(6);
      expect(replay(recordsOf(lines), 't')).toEqual(source.truth('t'));
      const warnings = logsOf(lines).filter((line) => line.startsWith('WARN'));
      expect(warnings).toHaveLength(2);
      for (const line of warnings) {
        expect(line).toMatch(/^WARN 127\.0\.0\.1: \/api\/list_snapshot broke off \([A-Z_]+\)\. Try [12] of 10; trying/);
      }
    }
  });

  test('of the change log, whose end is another one with every request', async () => {
    await using source = await Source.start({ limits: { deltaRows: 50 } });
    source.deployment.load('t', people(3));
    const first = await source.readAll({ streams: ['t'] });
    source.deployment.load('t', people(2), { perTransaction: 1 });
    let fired = 0;
    // From the end: within the flag, within the cursor, within the last document, within the first.
    for (const back of [3, 20, 35, 60, 200, 340]) {
      source.emulator.faults.clear();
      const length = await deltasLength(source, String(lastState(first, 't')?.['delta_cursor']));
      source.emulator.faults.add({ kind: 'truncate-body', path: DELTAS, bytes: length - back });
      const lines = await source.readAll({ streams: ['t'], state: savedStates(first) });
      expect(recordsOf(lines)).toHaveLength(2);
      expect(source.emulator.faults.fired).toBe(++fired);
    }
  });

  async function deltasLength(source: Source, cursor: string): Promise<number> {
    const answer = await fetch(`${source.emulator.url}${DELTAS}?cursor=${cursor}&tableName=t`, {
      headers: { authorization: `Convex ${source.emulator.readOnlyKey}` },
    });
    return (await answer.text()).length;
  }

  test('and is longer when it comes again, since somebody has written meanwhile', async () => {
    await using source = await Source.start();
    source.deployment.load('t', people(2));
    const first = await source.readAll({ streams: ['t'] });
    source.deployment.load('t', people(4), { perTransaction: 1 });
    source.emulator.faults.add({ kind: 'truncate-body', path: DELTAS, bytes: 700 });
    const run = source.startRead({
      streams: ['t'],
      state: savedStates(first),
      env: { CONVEX_CONNECTOR_RETRY_MIN_MS: '500' },
    });
    await run.line('the retry', (line) => line.includes('trying again'));
    source.deployment.load('t', people(3), { perTransaction: 1 });
    const { code, lines } = await run.finished;
    expect(code).toBe(0);
    expect(new Set(recordsOf(lines).map(({ id }) => id)).size).toBe(recordsOf(lines).length);
    expect(replay([...recordsOf(first), ...recordsOf(lines)], 't')).toEqual(source.truth('t'));
    expect(recordsOf(lines)).toHaveLength(7);
  });

  test('and is another one when it comes again: the run ends rather than guess, and the next one repairs it', async () => {
    await using source = await Source.start();
    source.deployment.load('a', people(2));
    source.deployment.load('b', people(2));
    const first = await source.readAll({ streams: ['a', 'b'] });
    source.deployment.load('a', people(2), { perTransaction: 1 });
    source.deployment.load('b', people(2), { perTransaction: 1 });
    source.emulator.faults.add({ kind: 'truncate-body', path: DELTAS, bytes: 700 });
    const state = savedStates(first);
    const run = source.startRead({ streams: ['a', 'b'], state, env: { CONVEX_CONNECTOR_RETRY_MIN_MS: '500' } });
    await run.line('the retry', (line) => line.includes('trying again'));
    // Its rows vanish from the log.
    source.deployment.dropTable('a');
    const { code, lines } = await run.finished;
    expect(code).toBe(1);
    expect(errorsOf(lines).map(({ failure_type, message }) => `${failure_type} ${message}`)).toEqual(
      Array.from(
        { length: 2 },
        () =>
          `transient_error 127.0.0.1 does not answer as it should at the moment, although it was tried 2 times over 1 s: ${DELTAS} gave another page than before its connection broke off. Nothing that was committed is lost; the next sync goes on from there.`,
      ),
    );
    const second = await source.readAll({ streams: ['b'], state: savedStates(first, lines) });
    expect(
      replay(
        [first, lines, second].flatMap((run) => recordsOf(run)),
        'b',
      ),
    ).toEqual(source.truth('b'));
  });

  test('in the middle of which a proxy put its own page', async () => {
    await using source = await Source.start();
    source.deployment.load('t', people(5));
    let meddled = 0;
    await using proxy = await startProxy(source.emulator.url, {
      reply: ({ path, body }, reply) =>
        path === SNAPSHOT && body.startsWith('{"snapshot"') && meddled++ === 0
          ? { ...reply, body: `${reply.body.slice(0, 700)}<html>502 Bad Gateway</html>` }
          : reply,
    });
    const lines = await source.readAll({ streams: ['t'], config: { deployment_url: proxy.url } });
    expect(recordsOf(lines)).toHaveLength(5);
    expect(replay(recordsOf(lines), 't')).toEqual(source.truth('t'));
    expect(meddled).toBe(2);
  });

  test('byte by byte is no failure', async () => {
    await using source = await Source.start();
    source.deployment.load('t', people(3));
    source.emulator.faults.add({ kind: 'slow-body', path: SNAPSHOT, bytes: 1, ms: 0, times: Infinity });
    const lines = await source.readAll({ streams: ['t'] });
    expect(replay(recordsOf(lines), 't')).toEqual(source.truth('t'));
    expect(logsOf(lines).some((line) => line.startsWith('WARN'))).toBe(false);
  });
});
