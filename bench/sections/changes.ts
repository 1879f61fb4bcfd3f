/** Catching up: changes through Data Sync beside the same pages copied unread, and beside the change log; also with distance. */
import { measure, medians, startReplay, type Usage } from '../measure.ts';
import { printTable } from '../print.ts';
import { rounded, type ChangesResult, type Results } from '../results.ts';
import { shapeNamed } from '../shapes.ts';
import { SOURCE, catalog, compiled, config, type Workspace } from '../workspace.ts';

const COPY = compiled('limits/changes-copy');
/** About as many documents as in the section of the source. */
const SYNC_PAGES = 48;
const CHANGES_PER_SYNC_PAGE = 16_384;
const DELTAS_PER_PAGE = 128;
const CHANGES = SYNC_PAGES * CHANGES_PER_SYNC_PAGE;
/** Milliseconds of latency, and pages, of the runs with distance. */
const FAR = { milliseconds: 100, syncPages: 6 };

export async function catchUp(workspace: Workspace, rounds: number): Promise<Pick<Results, 'changes'>> {
  const changes: ChangesResult[] = [];
  for (const name of ['tiny', 'typical']) {
    const shape = shapeNamed(name);
    const sync = await startReplay(shape.name, SYNC_PAGES);
    const log = await startReplay(shape.name, CHANGES / DELTAS_PER_PAGE);
    const runs: Record<'copy' | 'sync' | 'log', Usage[]> = { copy: [], sync: [], log: [] };
    const syncArgs = await readArgs(workspace, sync.url, 'sync');
    const logArgs = await readArgs(workspace, log.url, 'log');
    for (let round = 0; round < rounds; round++) {
      runs.copy.push(await measure([COPY, sync.url, String(SYNC_PAGES)]));
      runs.sync.push(await measure(syncArgs));
      runs.log.push(await measure(logArgs));
    }
    sync.stop();
    log.stop();
    const [copy, ours, old] = [medians(runs.copy), medians(runs.sync), medians(runs.log)];
    changes.push({
      documents: name,
      recordsPerSecond: rounded(CHANGES / ours.wall),
      ofCopy: rounded(copy.wall / ours.wall),
      ofCopyCpu: rounded(copy.cpu / ours.cpu),
      overChangeLog: rounded(old.wall / ours.wall),
      overChangeLogFar: rounded(await far(workspace, name)),
      peakMiB: Math.round(ours.rss / 2 ** 20),
    });
  }
  printTable(
    `Changes: ${CHANGES.toLocaleString('en')} through Data Sync, against (a) the same pages copied unread and the change log`,
    [
      'documents',
      'records/s',
      'of (a)',
      'of (a), CPU',
      'x change log',
      `x change log, ${FAR.milliseconds} ms`,
      'peak MiB',
    ],
    changes.map((result) => [
      result.documents,
      result.recordsPerSecond.toLocaleString('en'),
      result.ofCopy.toFixed(2),
      result.ofCopyCpu.toFixed(2),
      result.overChangeLog.toFixed(1),
      result.overChangeLogFar.toFixed(1),
      String(result.peakMiB),
    ]),
  );
  return { changes };
}

/** How many times as fast as the change log, where each request takes a while. */
async function far(workspace: Workspace, shape: string): Promise<number> {
  const deltaPages = (FAR.syncPages * CHANGES_PER_SYNC_PAGE) / DELTAS_PER_PAGE;
  const sync = await startReplay(shape, FAR.syncPages, FAR.milliseconds);
  const log = await startReplay(shape, deltaPages, FAR.milliseconds);
  const ours = await measure(await readArgs(workspace, sync.url, 'sync'));
  const old = await measure(await readArgs(workspace, log.url, 'log'));
  sync.stop();
  log.stop();
  return old.wall / ours.wall;
}

/** The arguments of a read from before the first change. */
async function readArgs(workspace: Workspace, url: string, way: 'sync' | 'log'): Promise<string[]> {
  const position = '1780000000000000000';
  const cursor = '0'.repeat(162);
  const state = {
    snapshot_cursor: null,
    snapshot_has_more: false,
    delta_cursor: position,
    ...(way === 'sync' ? { data_sync: { chain: '00', cursor, ts: position } } : {}),
  };
  return [
    SOURCE,
    'read',
    '--config',
    await config(workspace, url, way === 'log' ? { changes_from: 'Change log' } : {}, `config-${way}.json`),
    '--catalog',
    await catalog(workspace, 'append_dedup'),
    '--state',
    await workspace.file(`state-${way}.json`, [
      { type: 'STREAM', stream: { stream_descriptor: { name: 'documents' }, stream_state: state } },
    ]),
  ];
}
