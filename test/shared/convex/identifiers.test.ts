import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sanitiseFieldName, sanitiseTableName } from '../../../emulator/values/sanitise.ts';
import { fieldNameOf, isDropped, isFieldName, isIdentifier, tableNameOf } from '../../../shared/convex/identifiers.ts';

const L63 = 'a'.repeat(63);
const L57 = 'b'.repeat(57);

describe('the name of a table', () => {
  test.each([
    ['users', 'users'],
    ['Users2_x', 'Users2_x'],
    [L63, L63],
    [`${L63}a`, `${L63}a`],
    ['_id', 'source_id'],
    ['_creationTime', 'source_creationtime'],
    ['__', 'source_'],
    ['___', 'source_'],
    ['', 'source_'],
    ['$set', 'source_set'],
    ['first name', 'source_first_name'],
    ['public.Users', 'source_public_users'],
    ['2024_orders', 'source_2024_orders'],
    ['*name!of.table', 'source_name_of_table'],
    ['a--b', 'source_a_b'],
    ['a-_-b-', 'source_a_b'],
    ['O\'Brien "quoted"', 'source_o_brien_quoted'],
    ['select', 'select'],
    ['tab\tand\nnewline', 'source_tab_and_newline'],
    [`_${L57}`, `source_${L57}`],
  ])('%j is %s', (name, expected) => {
    expect(tableNameOf(name)).toEqual({ kind: 'name', name: expected });
  });

  test.each(['naïve', '注文', '😀', 'a\u00a0b', '＿id', 'ﬁne'])('%j is known to the deployment only', (name) => {
    expect(tableNameOf(name)).toEqual({ kind: 'ask' });
  });

  test.each([`${L63}ab`, `_${L57}b`, `${L57}-b`])('%s is too long', (name) => {
    expect(tableNameOf(name)).toMatchObject({ kind: 'too-long', limit: 64 });
  });
});

describe('the name of a field', () => {
  test.each([
    ['id', 'id'],
    ['first name', 'first name'],
    ['a.b', 'a.b'],
    ['2024', '2024'],
    ['*x!', '*x!'],
    ['', ''],
    ['x'.repeat(1024), 'x'.repeat(1024)],
    ['_id', 'source_id'],
    ['_creationTime', 'source_creationtime'],
    ['__typename', 'source_typename'],
    ['$set', 'source_set'],
    ['a\u0001b', 'source_a_b'],
    ['_ab_cdc_lsn', 'source_ab_cdc_lsn'],
  ])('%j is %j', (name, expected) => {
    expect(fieldNameOf(name)).toEqual({ kind: 'name', name: expected });
  });

  test('is too long after 1024 bytes', () => {
    expect(fieldNameOf('x'.repeat(1025))).toMatchObject({ kind: 'too-long', limit: 1024 });
  });
});

test('fields of change data capture are not stored', () => {
  expect(isDropped('source_ab_cdc_lsn')).toBe(true);
  expect(isDropped('source_ab_cdcx')).toBe(true);
  expect(isDropped('source_id')).toBe(false);
});

/** Names as sources have them, and names that are after the rules: many letters that matter, few that do not. */
const name = fc.string({ unit: fc.constantFrom(...'abZ09_$-. \u0001é~'), maxLength: 70 });

describe('for any name', () => {
  test('the client says what the server does, or that it does not know', () => {
    fc.assert(
      fc.property(name, (text) => {
        for (const [ours, theirs] of [
          [tableNameOf, sanitiseTableName],
          [fieldNameOf, sanitiseFieldName],
        ] as const) {
          const renamed = ours(text);
          if (renamed.kind === 'ask') expect(text).toMatch(/[^\0-\x7f]/);
          else if (renamed.kind === 'name') expect(theirs(text)).toBe(renamed.name);
          else expect(() => theirs(text)).toThrow();
        }
      }),
      { numRuns: 5_000 },
    );
  });

  test('the new name is valid, not reserved, and stays as it is when it is sent', () => {
    fc.assert(
      fc.property(name, (text) => {
        const table = tableNameOf(text);
        if (table.kind === 'name') {
          expect(isIdentifier(table.name) && !table.name.startsWith('_')).toBe(true);
          expect(tableNameOf(table.name)).toEqual(table);
        }
        const field = fieldNameOf(text);
        if (field.kind === 'name') {
          expect(isFieldName(field.name) && !field.name.startsWith('_')).toBe(true);
          expect(fieldNameOf(field.name)).toEqual(field);
        }
      }),
    );
  });
});
