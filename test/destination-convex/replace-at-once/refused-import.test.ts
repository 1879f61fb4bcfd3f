/** Imports that the deployment refuses: those that may be made again, and those that may not. */
import { describe, expect, test } from 'vitest';
import { INDEX, overwrite, text } from '../setup.ts';
import { configOf, ENV, linesOf, NEW, OLD, same, started } from './setup.ts';

describe('an index is being built while the import is under way', () => {
  test.each<[string, string[]]>([
    ['with polling', ['deployment:backups:import', 'deployment:backups:view']],
    ['by one request', ['deployment:backups:import']],
  ])('%s: the import is made again when it is ready', async (_, permissions) => {
    await using destination = await started({ backfillDelayMs: 200 });
    const { imports, journal } = destination.emulator;
    const hold = imports.hold('start');
    const config = configOf(destination, permissions);
    const running = destination.start({ streams: [overwrite('t')], config, env: ENV }, { input: text(linesOf('t')) });
    await hold.reached;
    await addIndex(destination);
    hold.release();
    const { code, lines } = await running.finished;
    expect(code, lines.join('\n')).toBe(0);
    expect(same(destination.rows('t'), NEW)).toBe(true);
    expect(lines.join('\n')).toContain(
      'an index of the table is still being built. The table is as it was. It is tried again',
    );
    expect(imports.rows.newest(9).map(({ state }) => state.state)).toContain('failed');
    // What was uploaded is not uploaded again.
    expect(journal.count('/api/import/start_upload')).toBeLessThan(2);
  });

  test('an index that does not become ready fails the sync, and the old rows stay', async () => {
    await using destination = await started({ backfillDelayMs: 3_600_000 });
    const hold = destination.emulator.imports.hold('start');
    const env = { ...ENV, CONVEX_CONNECTOR_POLL_DEADLINE_MS: '300' };
    const running = destination.start(
      { streams: [overwrite('t')], config: configOf(destination), env },
      { input: text(linesOf('t')) },
    );
    await hold.reached;
    await addIndex(destination);
    hold.release();
    const { code, lines } = await running.finished;
    expect(code).toBe(1);
    expect(lines.join('\n')).toMatch(
      /an index of the table is still being built. The table is as it was. Sync again.*transient_error/,
    );
    expect(same(destination.rows('t'), OLD)).toBe(true);
  });
});

async function addIndex({ emulator }: Awaited<ReturnType<typeof started>>): Promise<void> {
  const { ok } = await fetch(`${emulator.url}${INDEX}`, {
    method: 'PUT',
    headers: { authorization: `Convex ${emulator.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ indexes: { t: [['n']] } }),
  });
  expect(ok).toBe(true);
}

test('an import that somebody cancels', async () => {
  await using destination = await started();
  const hold = destination.emulator.imports.hold('start');
  const running = destination.start(
    { streams: [overwrite('t')], config: configOf(destination), env: ENV },
    { input: text(linesOf('t')) },
  );
  const { importId } = await hold.reached;
  destination.emulator.imports.rows.cancel(importId);
  hold.release();
  const { code, lines } = await running.finished;
  expect(code).toBe(1);
  expect(lines.join('\n')).toContain('somebody canceled the import');
  expect(same(destination.rows('t'), OLD)).toBe(true);
});

describe('a failure of the one request that replaces a table without polling', () => {
  test.each<[string, number, string]>([
    ['an import that somebody cancels', 0, 'somebody canceled the import'],
    ['an answer that quotes a row', 1, 'What Convex says of it may hold a record'],
  ])('%s', async (_, faults, message) => {
    await using destination = await started();
    const { imports, faults: plan } = destination.emulator;
    if (faults > 0)
      plan.add({
        kind: 'status',
        path: '/api/import',
        status: 400,
        code: 'ImportFailed',
        message: 'bad {"n":"private content"}',
      });
    const hold = imports.hold('start');
    const config = configOf(destination, ['deployment:backups:import']);
    const running = destination.start({ streams: [overwrite('t')], config, env: ENV }, { input: text(linesOf('t')) });
    if (faults === 0) imports.rows.cancel((await hold.reached).importId);
    hold.release();
    const { code, lines } = await running.finished;
    expect(code).toBe(1);
    expect(lines.join('\n')).toContain(message);
    expect(lines.join('\n')).not.toContain('private content');
    expect(same(destination.rows('t'), OLD)).toBe(true);
  });
});
