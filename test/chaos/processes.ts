/** The connectors of a campaign as commands, and their configurations in files. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Emulator } from '../../emulator/index.ts';
import type { Folder } from '../support/folder.ts';
import { BROKEN, isWatched, replacesAtOnce, type CampaignMode } from './jobs.ts';
import type { SeededRandom } from './seeded-random.ts';

/** The folder with `source-convex/main.*` and `destination-convex/main.*`, and how these files end. */
export interface Code {
  root: string;
  extension: 'ts' | 'js';
}

export interface Commands {
  source: string[];
  destination: string[];
}

interface Prepared {
  mode: CampaignMode;
  code: Code;
  random: SeededRandom;
  source: Emulator;
  destination: Emulator;
  folder: Folder;
}

/** Writes the configurations to `folder`. All intervals of the commands are as short as the data are few. */
export function prepare({ mode, code, random, source, destination, folder }: Prepared): Commands {
  const from = { deployment_url: source.url, access_key: source.readOnlyKey };
  folder.write('source.json', from);
  folder.write('source-failing.json', { ...from, query_streams: [{ name: BROKEN, query: 'no:such' }] });
  const to = { deployment_url: destination.url, access_key: destination.importOnlyKey };
  const small = { PART_BYTES: 0, BATCH_RECORDS: 0 };
  const replaces = isWatched(mode) || replacesAtOnce(mode);
  if (replaces) {
    // Without the permission to follow imports, one request replaces a table.
    if (random.chance(0.8))
      to.access_key = destination.keys.make(['deployment:backups:import', 'deployment:backups:view']);
    Object.assign(to, { overwrite_method: replacesAtOnce(mode) ? 'Replace at once' : 'Clear, then insert' });
    // Rows that change meanwhile make uploads longer, and each part whose answer is lost ends a sync: fewer parts then.
    small.PART_BYTES = random.pick(mode === 'replace_dedup' ? [1_500, 6_000, 5_000_000] : [300, 3_000, 5_000_000]);
    small.BATCH_RECORDS = random.between(2, 6);
  }
  folder.write('destination.json', to);
  const tuning = {
    RETRY_MIN_MS: 1,
    RESPONSE_MS: 1500,
    IDLE_MS: 1500,
    CHECKPOINT_MS: random.pick([0, 0, 5, 40]),
    BATCH_BYTES: random.pick([2_000, 20_000, 500_000]),
    BATCH_RECORDS: random.between(2, 40),
    BATCH_AGE_MS: random.pick([1, 15, 100]),
    POLL_MS: 5,
    ...(replaces ? small : {}),
  };
  return { source: commandOf('source', code, tuning), destination: commandOf('destination', code, tuning) };
}

/** A connector as a command, to which `read …` and the like are appended. `tuning`: see shared/connector/test-override.ts. */
export function commandOf(
  name: 'source' | 'destination',
  { root, extension }: Code,
  tuning: Record<string, number>,
): string[] {
  return [
    'env',
    `NODE_COMPILE_CACHE=${join(tmpdir(), 'convex-connector-compile-cache')}`,
    ...Object.entries(tuning).map(([key, value]) => `CONVEX_CONNECTOR_${key}=${value}`),
    process.execPath,
    join(root, `${name}-convex`, `main.${extension}`),
  ];
}
