import type { Emulator, EmulatorOptions } from '../../../emulator/index.ts';
import { deploy } from '../client.ts';
import type { SyncPage } from './client.ts';

/** Names of a page's documents; those of tombstones have a minus. */
export function names({ values }: SyncPage): string[] {
  return values.map(({ deleted, value }) => (deleted ? `-${value._id}` : String(value['n'])));
}

/** A deployment with one table `t` of `count` documents; their `n` counts in the order of their ids. */
export async function withTable(count: number, options: EmulatorOptions = {}): Promise<Emulator & { ids: string[] }> {
  const emulator = await deploy(options);
  const { deployment } = emulator;
  deployment.load(
    't',
    Array.from({ length: count }, () => ({})),
  );
  const ids = [...deployment.documents('t')].map(({ _id }) => _id);
  deployment.transaction((tx) => {
    ids.forEach((id, n) => {
      tx.replace(id, { n });
    });
  });
  return { ...emulator, ids };
}
