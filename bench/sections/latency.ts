/** What distance costs: seconds per 100,000 documents, and how long the deployment had nothing to do for a connector that was busy. */
import { fileURLToPath } from 'node:url';
import { measure, startReplay, type Replay } from '../measure.ts';
import { printTable } from '../print.ts';
import { type LatencyResult, type Results, rounded } from '../results.ts';
import { shapeNamed } from '../shapes.ts';
import { DESTINATION, SOURCE, catalog, config, type Workspace } from '../workspace.ts';

const FEED = fileURLToPath(new URL('../feed.ts', import.meta.url));
const DELTAS_PER_PAGE = 128;
const PAGES = { snapshot: 98, deltas: 100, import: 98 };

export async function distance(workspace: Workspace): Promise<Pick<Results, 'latency'>> {
  const shape = shapeNamed('typical');
  const latency: LatencyResult[] = [];
  const files = async (replay: Replay, phase: keyof typeof PAGES) => [
    '--config',
    await config(workspace, replay.url, phase === 'deltas' ? { changes_from: 'Change log' } : {}),
    '--catalog',
    await catalog(workspace, 'append_dedup'),
  ];
  for (const milliseconds of [20, 50, 100]) {
    for (const phase of ['snapshot', 'deltas', 'import'] as const) {
      const pages = PAGES[phase];
      const replay = await startReplay(shape.name, pages, milliseconds);
      const args = await files(replay, phase);
      const { wall } =
        phase === 'import'
          ? await measure([DESTINATION, 'write', ...args], {
              feed: [process.execPath, FEED, shape.name, String(pages)],
            })
          : await measure([
              SOURCE,
              'read',
              ...args,
              ...(phase === 'deltas' ? ['--state', await caughtUp(workspace)] : []),
            ]);
      const { requests, idle } = await replay.report();
      replay.stop();
      const documents = pages * (phase === 'deltas' ? DELTAS_PER_PAGE : shape.perPage);
      latency.push({
        milliseconds,
        phase,
        requests,
        secondsPer100k: rounded((wall * 100_000) / documents),
        idle: rounded(idle / wall),
      });
    }
  }
  printTable(
    'Latency',
    ['a request', 'phase', 'requests', 's per 100,000', 'deployment idle'],
    latency.map(({ milliseconds, phase, requests, secondsPer100k, idle }) => [
      `${milliseconds} ms`,
      phase,
      String(requests),
      secondsPer100k.toFixed(1),
      `${(100 * idle).toFixed(0)} %`,
    ]),
  );
  return { latency };
}

/** A state from before the first page of the change log. */
function caughtUp(workspace: Workspace): Promise<string> {
  const state = { snapshot_cursor: null, snapshot_has_more: false, delta_cursor: '1780000000000000000' };
  return workspace.file('state.json', [
    { type: 'STREAM', stream: { stream_descriptor: { name: 'documents' }, stream_state: state } },
  ]);
}
