import { describe, expect, test } from 'vitest';
import { CHANGES, PINS, SCHEMAS, SNAPSHOTS, TABLES, TESTS } from './answers.cases.ts';
import { runAnswer } from './answers.ts';

const MAX_MEMORY = 256 * 1024 * 1024;

describe.each([
  ['the tables', TABLES],
  ['a pinned time', PINS],
  ['a page of a snapshot', SNAPSHOTS],
  ['a page of the change log', CHANGES],
  ['schemas', SCHEMAS],
  ['a test of the connection', TESTS],
])('%s: an answer that lies', (_what, cases) => {
  test.each(cases)('$name', async (one) => {
    const { kind, message, records = 0 } = one;
    const result = await runAnswer(one);
    expect({ kind: result.kind, message: result.message }).toEqual({ kind, message });
    if (records === 'many') expect(result.records).toBeGreaterThan(0);
    else expect(result.records).toBe(records);
    expect(result.peak).toBeLessThan(MAX_MEMORY);
  });
});
