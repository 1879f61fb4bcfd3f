import { parseArgs } from 'node:util';
import type { EmulatorOptions } from './emulator.ts';
import { FAULT_KINDS, type Fault, type FaultKind } from './faults/faults.ts';
import { DEFAULT_LIMITS, type Limits } from './store/limits.ts';

export const USAGE = `npm run emulator -- [options]

Emulates a Convex deployment on 127.0.0.1, in memory: streaming export, streaming import and snapshot import.

  --port <number>            the port; default: any free one
  --name <name>              the deployment's name; default: happy-otter-123
  --data <none|sample>       start empty or with a few small tables; default: sample
  --documents <count>        adds a table "items" with so many documents
  --seed <number>            another seed gives other ids and keys; the same one repeats them
  --now <nanoseconds>        the time of the first commit
  --backfill <milliseconds>  how long an index takes to become ready; default: 25
  --no-streaming-export      a deployment whose plan has no streaming export
  --ignore-table-name        behaves as backends of August 2025 to March 2026: tableName is not understood
  --deltas-of-root-only      behaves as backends before 2026-08-11: no components in deltas, no Data Sync
  --without-data-sync        a backend without POST /api/v1/data/sync
  --without-cursor-from-deltas
                             a backend without POST /api/data_sync_cursor_from_deltas
  --without-list-active-syncs
                             a backend without GET /api/v1/data/list_active_syncs
  --without-data-sync-by-id  a backend without GET /api/v1/data/sync/{sync_id}
  --without-snapshot-import  a backend without the routes of \`npx convex import\`
  --without-uniform          a backend of before March 2026, which refuses "uniform" in a ZIP import
  --import-backoff <ms>      the wait after an import that failed for an internal reason; default: 30000
  --limit <name>=<number>    lowers a limit; can be repeated. Names and defaults:
${Object.entries(DEFAULT_LIMITS)
  .map(([name, value]) => `                               ${name}=${value}`)
  .join('\n')}
  --fault <key>=<value>,...  breaks requests; can be repeated. Keys:
                               kind         ${FAULT_KINDS.join(', ')}
                               path         requests to this path only, such as /api/list_snapshot
                               method       requests with this method only
                               times        how many requests are hit; default 1; "all" for every one
                               after        how many matching requests pass first
                               probability  the chance of a matching request to be hit, 0 to 1
                               status       the HTTP status, for status, status-after-commit and html
                               code         the code in the body, message its message
                               bytes, ms    for truncate-body, slow-body, hang, latency
  --help                     this text

Examples:
  npm run emulator -- --port 3210 --documents 100000
  npm run emulator -- --limit snapshotPage=10 --limit deltaRows=5
  npm run emulator -- --fault 'path=/api/list_snapshot,kind=status,status=503,times=3'
  npm run emulator -- --fault 'kind=reset-after-commit,probability=0.1,times=all'`;

export class CommandLineError extends Error {}

export interface Command {
  options: EmulatorOptions;
  data: 'none' | 'sample';
  documents: number;
  faults: Fault[];
}

/** @throws CommandLineError with a text for the user. */
export function parseCommandLine(argv: string[]): Command | 'help' {
  const values = parse(argv);
  if (values.help === true) return 'help';
  const options: EmulatorOptions = {};
  if (values.port !== undefined) options.port = count(values.port, '--port');
  if (values.name !== undefined) options.instanceName = values.name;
  if (values.seed !== undefined) options.seed = count(values.seed, '--seed');
  if (values.now !== undefined) options.now = BigInt(digits(values.now, '--now'));
  if (values.backfill !== undefined) options.backfillDelayMs = count(values.backfill, '--backfill');
  if (values['no-streaming-export'] === true) options.streamingExport = false;
  if (values['ignore-table-name'] === true) options.ignoreTableName = true;
  if (values['deltas-of-root-only'] === true) options.deltasOfRootOnly = true;
  if (values['without-data-sync'] === true) options.withoutDataSync = true;
  if (values['without-cursor-from-deltas'] === true) options.withoutCursorFromDeltas = true;
  if (values['without-list-active-syncs'] === true) options.withoutListActiveSyncs = true;
  if (values['without-data-sync-by-id'] === true) options.withoutDataSyncById = true;
  if (values['without-snapshot-import'] === true) options.withoutSnapshotImport = true;
  if (values['without-uniform'] === true) options.withoutUniform = true;
  if (values['import-backoff'] !== undefined) {
    options.importBackoffMs = count(values['import-backoff'], '--import-backoff');
  }
  options.limits = limits(values.limit ?? []);
  const data = values.data ?? 'sample';
  if (data !== 'none' && data !== 'sample') throw new CommandLineError(`--data is none or sample, not '${data}'`);
  const documents = count(values.documents ?? '0', '--documents');
  return { options, data, documents, faults: (values.fault ?? []).map(fault) };
}

function parse(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      options: {
        help: { type: 'boolean', short: 'h' },
        port: { type: 'string' },
        name: { type: 'string' },
        data: { type: 'string' },
        documents: { type: 'string' },
        seed: { type: 'string' },
        now: { type: 'string' },
        backfill: { type: 'string' },
        'no-streaming-export': { type: 'boolean' },
        'ignore-table-name': { type: 'boolean' },
        'deltas-of-root-only': { type: 'boolean' },
        'without-data-sync': { type: 'boolean' },
        'without-cursor-from-deltas': { type: 'boolean' },
        'without-list-active-syncs': { type: 'boolean' },
        'without-data-sync-by-id': { type: 'boolean' },
        'without-snapshot-import': { type: 'boolean' },
        'without-uniform': { type: 'boolean' },
        'import-backoff': { type: 'string' },
        limit: { type: 'string', multiple: true },
        fault: { type: 'string', multiple: true },
      },
    }).values;
  } catch (error) {
    throw new CommandLineError(error instanceof Error ? error.message : String(error));
  }
}

function digits(text: string, what: string): string {
  if (!/^\d+$/.test(text)) throw new CommandLineError(`${what} is a whole number, not '${text}'`);
  return text;
}

function count(text: string, what: string): number {
  return Number(digits(text, what));
}

function chance(text: string): number {
  const number = Number(text);
  if (text === '' || !(number >= 0 && number <= 1))
    throw new CommandLineError(`--fault probability is a number from 0 to 1, not '${text}'`);
  return number;
}

function limits(texts: string[]): Partial<Limits> {
  const result: Record<string, number | bigint> = {};
  for (const text of texts) {
    const [name = '', value = ''] = text.split('=');
    const known = (DEFAULT_LIMITS as unknown as Record<string, number | bigint>)[name];
    if (known === undefined) throw new CommandLineError(`there is no limit '${name}'`);
    const number = digits(value, `--limit ${name}`);
    result[name] = typeof known === 'bigint' ? BigInt(number) : Number(number);
  }
  return result;
}

function fault(text: string): Fault {
  const fields = new Map(
    text.split(',').map((part): [string, string] => {
      const equals = part.indexOf('=');
      return [part.slice(0, equals), part.slice(equals + 1)];
    }),
  );
  const kind = fields.get('kind') ?? '';
  if (!FAULT_KINDS.includes(kind as FaultKind)) {
    throw new CommandLineError(`--fault needs kind= one of ${FAULT_KINDS.join(', ')}, not '${kind}'`);
  }
  const result: Record<string, unknown> = { kind };
  for (const [key, value] of fields) {
    if (key === 'kind') continue;
    if (['path', 'method', 'code', 'message', 'body'].includes(key)) result[key] = value;
    else if (key === 'times') result[key] = value === 'all' ? Infinity : count(value, '--fault times');
    else if (['after', 'status', 'bytes', 'ms'].includes(key)) result[key] = count(value, `--fault ${key}`);
    else if (key === 'probability') result[key] = chance(value);
    else throw new CommandLineError(`--fault does not know '${key}'`);
  }
  return result as unknown as Fault;
}
