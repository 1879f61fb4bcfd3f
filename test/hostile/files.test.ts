import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmulator, type Emulator } from '../../emulator/index.ts';
import { CATALOGS, CONFIGS, STATES } from './files.cases.ts';
import { runFiles } from './files.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator();
  emulator.deployment.load('users', [{ n: 1 }, { n: 2 }]);
});
afterAll(async () => {
  await emulator.close();
});

describe.each([
  ['configuration', CONFIGS],
  ['catalog', CATALOGS],
  ['state', STATES],
])('a %s that is wrong', (_what, cases) => {
  test.each(cases)('$name', async (one) => {
    const { kind, message } = one;
    expect(await runFiles(one, emulator)).toEqual({ kind, message });
  });
});
