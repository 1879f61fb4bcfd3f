import { expect, test } from 'vitest';
import type { EmulatorOptions } from '../../../emulator/index.ts';
import { call, deploy } from '../client.ts';
import { CONVERT, LIST, SYNC } from './client.ts';

/** Backends that lack a newer route answer it with 404 and an empty body, whoever asks. */

const ROUTES = {
  withoutDataSync: ['POST', SYNC],
  withoutCursorFromDeltas: ['POST', CONVERT],
  withoutListActiveSyncs: ['GET', LIST],
  withoutDataSyncById: ['GET', `${SYNC}/airbyte-1`],
} as const;

type Switch = keyof typeof ROUTES;

/** Which routes are missing: 404 with an empty body, also without a key. */
async function missing(options: EmulatorOptions): Promise<string[]> {
  const emulator = await deploy(options);
  const found: string[] = [];
  for (const [name, [method, path]] of Object.entries(ROUTES)) {
    const replies = [await call(emulator, method, path), await call(emulator, method, path, { authorization: null })];
    const absent = replies.map(({ status, text }) => status === 404 && text === '');
    expect(absent[0]).toBe(absent[1]);
    if (absent[0] === true) found.push(name);
  }
  return found;
}

test('by default none is missing', async () => {
  expect(await missing({})).toEqual([]);
});

test.each(Object.keys(ROUTES) as Switch[])('%s takes away that route and no other', async (name) => {
  expect(await missing({ [name]: true })).toEqual([name]);
});

test('a backend whose deltas are of the root only has none of them', async () => {
  expect(await missing({ deltasOfRootOnly: true })).toEqual(Object.keys(ROUTES));
});
