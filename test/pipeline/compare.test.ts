import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Deployment } from '../../emulator/index.ts';
import { compare } from '../../pipeline/demo/compare.ts';
import { Destination } from '../../pipeline/demo/destination.ts';
import { Digests, sameDigests } from '../../pipeline/demo/digests.ts';

let source: Deployment;
let destination: Deployment;
let id: string;

beforeEach(() => {
  source = new Deployment({ seed: 1 });
  destination = new Deployment({ seed: 2 });
  source.transaction((tx) => {
    id = tx.insert('users', {
      name: 'Ada',
      born: 1815n,
      half: 0.5,
      zero: -0,
      nan: NaN,
      bytes: new Uint8Array([1, 2]).buffer,
      nested: { x: [1n] },
    });
  });
});
afterEach(() => {
  source.close();
  destination.close();
});

/** A copy of the document, as the import leaves it, with some fields changed. */
function copy(changes: object = {}): object {
  const creationTime = [...source.documents('users')][0]?._creationTime;
  const ts = Number(source.catalog.find(id)?.[1].head?.ts);
  return {
    ...{ source_id: id, source_creationtime: creationTime, source_ts: ts },
    ...{ source_component: '', source_table: 'users', source_deleted: false },
    ...{ name: 'Ada', born: '1815', half: 0.5, zero: -0, nan: 'NaN', bytes: 'AQI=', nested: { x: ['1'] } },
    ...changes,
  };
}

function compared(...copies: object[]): string[] {
  destination.load('users', copies);
  const { differences } = compare(source, destination);
  // Digests are equal where nothing differs, and only there.
  expect(sameDigests(new Digests().expected(source), new Digests().found(destination))).toBe(differences.length === 0);
  return differences;
}

test('an exact copy has no differences', () => {
  expect(compared(copy())).toEqual([]);
});

describe('a difference is found', () => {
  test.each<[string, object, string]>([
    ['another value', { name: 'Grace' }, 'name'],
    ['a missing field', { name: undefined }, 'name'],
    ['a field too many', { more: null }, 'more'],
    ['a value in depth', { nested: { x: ['2'] } }, 'nested.x.0'],
    ['an int64 as a number', { born: 1815 }, 'born'],
    ['0 for -0', { zero: 0 }, 'zero'],
    ['bytes as they are not', { bytes: 'AQM=' }, 'bytes'],
    ['an older revision', { source_ts: 1 }, 'source_ts'],
    ['an object for an array', { nested: { x: { 0: '1' } } }, 'nested.x'],
  ])('%s', (_name, changes, path) => {
    expect(compared(copy(changes))).toEqual([`users: ${id} differs in ${path}`]);
  });

  test('a missing document', () => {
    expect(compared()).toEqual([`users: ${id} is missing`]);
  });

  test('a document twice', () => {
    expect(compared(copy(), copy())).toEqual([`users: ${id} is there more than once`]);
  });

  test('a document that was deleted, and a table that never was', () => {
    destination.load('other', [{}]);
    const differences = compared(copy(), copy({ source_id: 'gone' }));
    expect(differences).toEqual(['users: gone should not be there', 'other: the original has no such table']);
  });
});

test('digests that are computed again see what has changed since', () => {
  const [expected, found] = [new Digests(), new Digests()];
  const same = (): boolean => sameDigests(expected.expected(source), found.found(destination));
  destination.load('users', [copy()]);
  expect(same()).toBe(true);
  source.transaction((tx) => {
    tx.patch(id, { name: 'Grace' });
  });
  expect(same()).toBe(false);
  const [stored] = [...destination.documents('users')];
  destination.transaction((tx) => {
    tx.replace(stored?._id ?? '', copy({ name: 'Grace' }));
  });
  expect(same()).toBe(true);
  source.transaction((tx) => {
    tx.delete(id);
  });
  expect(same()).toBe(false);
  destination.transaction((tx) => {
    tx.delete(stored?._id ?? '');
  });
  expect(same()).toBe(true);
});

test('a deployment in a thread of its own is compared too, and its end is noticed', async () => {
  const other = await Destination.start({ instanceName: 'calm-otter-202', seed: 2 });
  try {
    expect(await other.requests()).toBe(0);
    expect(await other.compare(source)).toEqual({ documents: 1, differences: [`users: ${id} is missing`] });
  } finally {
    await other.close();
  }
  await expect(other.requests()).rejects.toThrow('has ended');
});
