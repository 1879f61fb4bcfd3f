import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MODES } from './catalog.ts';
import type { Mode } from './catalog.ts';

export const HELP = `Copies the streams of a source into a destination, and next time only what has changed since.

Usage: npm run sync -- --source-config FILE --destination-config FILE --state FILE [options]

  --source-config FILE       JSON: {"deployment_url": "https://….convex.cloud", "access_key": "…"}
                             The key needs the permission deployment:data:view.
  --destination-config FILE  The same for the deployment to write to.
                             The key needs the permission deployment:backups:import.
  --state FILE               Where to remember how far the sync has got. Made if missing; replaced in one step each
                             time the destination has made data durable. One file for each pair of deployments.

  --streams A,B              Only these streams. A table of a component is COMPONENT.TABLE. Default: all.
  --mode MODE                append_dedup  one document for each _id, deletions included (default)
                             append        every revision as a document of its own
                             overwrite     empty the tables and copy everything, each time
  --full-refresh             Forget the state of these streams, empty their tables and start over. Their new state is
                             remembered once the whole run has succeeded: if it is stopped or fails, repeat it with
                             this option.
  --source COMMAND           Another source than source-convex, and its arguments.
  --destination COMMAND      Another destination than destination-convex, and its arguments.
  --json                     Print the result as one JSON object on one line, for cron and CI.
  --help                     Print this.

What the connectors have to say goes to stderr, the result to stdout: a table of the streams. "written" counts deletions
too. Where stderr is a terminal, a line for each stream shows how far it is. A sync that was stopped or failed goes on from its
state file when it is run again. Run only one sync at a time with the same state file.

Exit code: 0 all went well, 1 the sync failed (what was committed is kept), 2 wrong usage.
`;

export interface Options {
  sourceConfig: string;
  destinationConfig: string;
  state: string;
  streams?: string[];
  mode: Mode;
  fullRefresh: boolean;
  /** The result is one JSON object. */
  json: boolean;
  source: string[];
  destination: string[];
}

/** Wrong usage; the message says what is wrong. */
export class UsageError extends Error {}

const repository = join(import.meta.dirname, '..');
export const SOURCE_CONVEX = [process.execPath, join(repository, 'source-convex/main.ts')];
export const DESTINATION_CONVEX = [process.execPath, join(repository, 'destination-convex/main.ts')];

/** @returns the options, or undefined if help was asked for. @throws UsageError */
export function parseOptions(args: readonly string[]): Options | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const required = (name: 'source-config' | 'destination-config' | 'state'): string => {
    const value = values[name];
    if (!value) throw new UsageError(`--${name} FILE is missing.`);
    return value;
  };
  const mode = MODES.find((known) => known === values.mode);
  if (mode === undefined) throw new UsageError(`--mode is one of ${MODES.join(', ')}.`);
  const streams = values.streams?.split(',').map((name) => name.trim());
  if (streams?.includes('')) throw new UsageError('--streams is a list of names, with commas between them.');
  return {
    sourceConfig: required('source-config'),
    destinationConfig: required('destination-config'),
    state: required('state'),
    ...(streams ? { streams } : {}),
    mode,
    fullRefresh: values['full-refresh'],
    json: values.json,
    source: values.source === undefined ? SOURCE_CONVEX : words(values.source),
    destination: values.destination === undefined ? DESTINATION_CONVEX : words(values.destination),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        'source-config': { type: 'string' },
        'destination-config': { type: 'string' },
        state: { type: 'string' },
        streams: { type: 'string' },
        mode: { type: 'string', default: 'append_dedup' },
        'full-refresh': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        source: { type: 'string' },
        destination: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Splits a command at blanks; quotes, single or double, hold a word together. */
export function words(command: string): string[] {
  const found = [...command.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) => word.replace(/["']/g, ''));
  if (found.length === 0) throw new UsageError('--source and --destination name a command.');
  return found;
}
