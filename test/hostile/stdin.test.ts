import { describe, expect, test } from 'vitest';
import { LINES, RECORDS, STATES } from './stdin.cases.ts';
import { runStdin } from './stdin.ts';

describe.each([
  ['lines', LINES],
  ['records', RECORDS],
  ['states and statuses', STATES],
])('%s that are wrong', (_what, cases) => {
  // What came before is written, what is dropped is told of, and a state comes back only where all of its records are there.
  test.each(cases)('$name', async (one) => {
    const { kind, message, stored, states = 0, log } = one;
    const result = await runStdin(one);
    expect({ kind: result.kind, message: result.message }).toEqual({ kind, message });
    expect(result.stored).toEqual(stored);
    expect(result.states).toBe(states);
    if (log !== undefined) expect(result.logs).toContain(log);
  });
});
