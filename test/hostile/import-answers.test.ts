import { describe, expect, test } from 'vitest';
import { IMPORTS, PREPARATIONS } from './import-answers.cases.ts';
import { runImport } from './import-answers.ts';

const MAX_MEMORY = 256 * 1024 * 1024;

describe.each([
  ['an import', IMPORTS],
  ['what is done before it', PREPARATIONS],
])('%s: an answer that lies', (_what, cases) => {
  test.each(cases)('$name', async (one) => {
    const { kind, message, states = 0 } = one;
    const result = await runImport(one);
    expect({ kind: result.kind, message: result.message }).toEqual({ kind, message });
    // A state would be a promise that the records are there.
    expect(result.states).toBe(states);
    expect(result.peak).toBeLessThan(MAX_MEMORY);
  });
});
