/** Requests for 1,000 changes, by the number of streams: all are read in one walk. Counted on an emulated deployment. */
import { startEmulator } from '../../emulator/index.ts';
import { measure } from '../measure.ts';
import { printTable } from '../print.ts';
import type { RequestsResult, Results } from '../results.ts';
import { SOURCE, catalog, type Workspace } from '../workspace.ts';

const CHANGES = 1_000;

export async function requestsForChanges(workspace: Workspace): Promise<Pick<Results, 'requests'>> {
  const requests: RequestsResult[] = [];
  for (const streams of [1, 10, 100]) {
    const emulator = await startEmulator({});
    const names = Array.from({ length: streams }, (_, n) => `table${n}`);
    emulator.deployment.transaction((tx) => {
      for (const name of names) tx.insert(name, { n: 0 });
    });
    const cursor = String(emulator.deployment.now());
    for (let n = 0; n < CHANGES; n++) emulator.deployment.transaction((tx) => tx.insert(names[n % streams]!, { n }));
    const state = names.map((name) => ({
      type: 'STREAM',
      stream: {
        stream_descriptor: { name },
        stream_state: { snapshot_cursor: null, snapshot_has_more: false, delta_cursor: cursor },
      },
    }));
    await measure([
      SOURCE,
      'read',
      '--config',
      await workspace.file('config.json', { deployment_url: emulator.url, access_key: emulator.key }),
      '--catalog',
      await catalog(workspace, 'append', names),
      '--state',
      await workspace.file('state.json', state),
    ]);
    const deltas = emulator.journal.count('/api/document_deltas');
    const dataSync = emulator.journal.count('/api/v1/data/sync');
    const all = emulator.journal.entries.length;
    requests.push({ streams, dataSync, documentDeltas: deltas, others: all - deltas - dataSync });
    await emulator.close();
  }
  printTable(
    `Requests for ${CHANGES} changes`,
    ['streams', 'data/sync', 'document_deltas', 'others'],
    requests.map(({ streams, dataSync, documentDeltas, others }) =>
      [streams, dataSync, documentDeltas, others].map(String),
    ),
  );
  return { requests };
}
