import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startEmulator } from '../../emulator/index.ts';
import type { Emulator } from '../../emulator/index.ts';
import { compare } from '../../pipeline/demo/compare.ts';
import { Workshop, finished } from './setup.ts';
import type { Finished } from './setup.ts';

let work: Workshop;
let source: Emulator;
let destination: Emulator;

beforeEach(async () => {
  work = new Workshop();
  source = await startEmulator({ instanceName: 'wise-heron-101', seed: 1 });
  destination = await startEmulator({ instanceName: 'calm-otter-202', seed: 2 });
  configure('source.json', source.url, source.readOnlyKey);
  configure('destination.json', destination.url, destination.importOnlyKey);
  source.deployment.load('users', [
    { name: 'Ada', n: 1n },
    { name: 'Grace', n: 2n },
    { name: 'Edsger', n: 3n },
  ]);
  source.deployment.load('invoices', [{ total: 1.5 }], { component: 'billing' });
});
afterEach(async () => {
  await Promise.all([source.close(), destination.close()]);
  work.remove();
});

function configure(file: string, deployment_url: string, access_key: string): void {
  work.write(file, { deployment_url, access_key });
}

function sync(...extra: string[]): Promise<Finished> {
  return finished([
    ...['--source-config', work.path('source.json'), '--destination-config', work.path('destination.json')],
    ...['--state', work.path('state.json'), ...extra],
  ]);
}

async function mustSync(...extra: string[]): Promise<string> {
  const { code, stdout, stderr } = await sync(...extra);
  expect(code, stdout + stderr).toBe(0);
  return stdout;
}

const ids = (): string[] => [...source.deployment.documents('users')].map(({ _id }) => _id);
const names = (table = 'users'): unknown[] =>
  [...destination.deployment.documents(table)].map(({ name }) => name).sort();
const differences = (): string[] => compare(source.deployment, destination.deployment).differences;

describe('one document for each _id', () => {
  test('all, then what changed, then nothing', async () => {
    expect(await mustSync()).toMatch(/^4 records read, 4 committed/m);
    expect(differences()).toEqual([]);

    const [ada = '', grace = ''] = ids();
    source.deployment.transaction((tx) => {
      tx.delete(ada);
      tx.patch(grace, { name: 'Grace H.' });
      tx.insert('invoices', { total: -0 }, 'billing');
    });
    expect(await mustSync()).toMatch(/^3 records read, 3 committed/m);
    expect(differences()).toEqual([]);

    expect(await mustSync()).toMatch(/^0 records read/m);
    expect(differences()).toEqual([]);
  });

  test('a chosen stream, then all: the state of the first is kept', async () => {
    await mustSync('--streams', 'billing.invoices');
    expect(names('users')).toEqual([]);
    expect(await mustSync()).toMatch(/^3 records read/m);
    expect(differences()).toEqual([]);
  });

  test('a full refresh removes what an incremental sync could not know of', async () => {
    await mustSync();
    // An import replaces the documents and leaves no trace of it in the log.
    source.deployment.importTable('users', [{ name: 'Barbara', n: 4n }]);
    await mustSync('--full-refresh', '--streams', 'users');
    expect(names()).toEqual(['Barbara']);
    expect(differences()).toEqual([]);
  });
});

test('append keeps every revision', async () => {
  await mustSync('--mode', 'append', '--streams', 'users');
  source.deployment.transaction((tx) => {
    tx.patch(ids()[0] ?? '', { name: 'Ada L.' });
  });
  await mustSync('--mode', 'append', '--streams', 'users');
  expect(names()).toEqual(['Ada', 'Ada L.', 'Edsger', 'Grace']);
});

test('overwrite copies everything each time', async () => {
  await mustSync('--mode', 'overwrite');
  source.deployment.transaction((tx) => {
    tx.delete(ids()[0] ?? '');
  });
  expect(await mustSync('--mode', 'overwrite')).toMatch(/^3 records read/m);
  expect(names()).toHaveLength(2);
  expect(differences()).toEqual([]);
});

describe('a configuration that does not work: nothing is written, and the key is not shown', () => {
  test.each<[string, () => void, RegExp]>([
    [
      'a wrong key',
      () => {
        configure('source.json', source.url, `${source.instanceName}|wr0ng`);
      },
      /deployment:data:view/,
    ],
    [
      'a key that may not import',
      () => {
        configure('destination.json', destination.url, destination.readOnlyKey);
      },
      /deployment:backups:import/,
    ],
    [
      'a URL without a deployment',
      () => {
        configure('destination.json', 'http://127.0.0.1:9', 'wr0ng');
      },
      /127\.0\.0\.1/,
    ],
  ])('%s', async (_name, spoil, message) => {
    spoil();
    const { code, stdout, stderr } = await sync();
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    for (const secret of ['wr0ng', source.readOnlyKey, destination.readOnlyKey])
      expect(stdout + stderr).not.toContain(secret);
    expect(destination.deployment.tables()).toEqual([]);
  });
});
