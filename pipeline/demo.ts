#!/usr/bin/env node
/**
 * `npm run demo`: the cities of the world go from one deployment into another, then what has changed since, then a table that was imported
 * over; after each sync the two are compared document by document. Both deployments are emulated on this machine; the connectors are the real ones, as processes.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmulator } from '../emulator/index.ts';
import type { Emulator } from '../emulator/index.ts';
import { discover } from './ask.ts';
import { configure } from './catalog.ts';
import type { Show } from './connector.ts';
import { change, replace } from './demo/changes.ts';
import { Destination } from './demo/destination.ts';
import { CREDITS, fillWithTheWorld } from './demo/world.ts';
import { DESTINATION_CONVEX, SOURCE_CONVEX } from './options.ts';
import { startLive } from './live.ts';
import type { Live } from './live.ts';
import { count, showOnStderr, table } from './report.ts';
import { startSync } from './run.ts';
import type { Outcome } from './run.ts';
import { StateFile } from './states.ts';

const HELP = `Usage: npm run demo -- [options]

  --cities N  At most N cities and N districts, for a quicker run. Default: all of the world.
  --kill      Kill the source with SIGKILL half-way through the first sync, and sync again.
  --verbose   Show everything that the connectors say.
`;

/** What a newcomer may want to try on a deployment of their own. */
const NEXT = `Next, with deployments of your own (keys: Convex dashboard → Settings →
URL & Deploy Key; README.md says which permissions they need):

  echo '{"deployment_url": "https://….convex.cloud",
    "access_key": "prod:…|…"}' > source.json
  echo '{"deployment_url": "https://….convex.cloud",
    "access_key": "prod:…|…"}' > destination.json
  npx node source-convex/main.ts check --config source.json
  npm run sync -- --source-config source.json \\
    --destination-config destination.json --state state.json

The check only asks whether the key can read. The sync writes into the second
deployment; repeated, it copies what has changed since. npm run emulator starts
an emulated deployment to try things on.`;

/** How many differences are printed. */
const SHOWN = 10;

interface Row {
  what: string;
  outcome: Outcome;
  seconds: number;
  reads: number;
  writes: number;
}

class Demo {
  readonly rows: Row[] = [];
  readonly #source: Emulator;
  readonly #destination: Destination;
  readonly #folder: string;
  readonly #show: Show;

  constructor(source: Emulator, destination: Destination, folder: string, show: Show) {
    this.#source = source;
    this.#destination = destination;
    this.#folder = folder;
    this.#show = show;
  }

  async writeConfigurations(): Promise<void> {
    const config = ({ url, key }: { url: string; key: string }): string =>
      JSON.stringify({ deployment_url: url, access_key: key });
    // Each side gets a key with the one permission that it needs.
    await writeFile(this.#path('source'), config({ url: this.#source.url, key: this.#source.readOnlyKey }));
    await writeFile(this.#path('destination'), config(this.#destination));
  }

  /** One sync; with `killAt` the source is killed once it has written so many records. */
  async sync(what: string, total: number, killAt?: number): Promise<Outcome> {
    const sourceConfig = this.#path('source');
    const show = this.#show;
    const found = await discover({ name: 'source', command: SOURCE_CONVEX, config: sourceConfig, show });
    const [reads, writes] = [this.#source.journal.count(), await this.#destination.requests()];
    const started = performance.now();
    const running = await startSync({
      source: SOURCE_CONVEX,
      destination: DESTINATION_CONVEX,
      sourceConfig,
      destinationConfig: this.#path('destination'),
      catalog: configure(found, { mode: 'append_dedup' }),
      states: await StateFile.load(this.#path('state')),
      show,
    });
    const { progress, streams } = running;
    live = startLive(streams, () => {
      process.stderr.write(
        `  ${what}: ${count(progress.read)} of ${count(total)} read, ${count(progress.committed)} committed\n`,
      );
    });
    const killer = setInterval(() => {
      if (killAt !== undefined && progress.read >= killAt) running.source.child.kill('SIGKILL');
    }, 1);
    const outcome = await running.outcome;
    live.end();
    live = undefined;
    clearInterval(killer);
    this.rows.push({
      what,
      outcome,
      seconds: (performance.now() - started) / 1000,
      reads: this.#source.journal.count() - reads,
      writes: (await this.#destination.requests()) - writes,
    });
    return outcome;
  }

  report(): string {
    const head = ['sync', 'records', 'seconds', 'records/s', 'requests: read', 'write'];
    const rows = this.rows.map(({ what, outcome, seconds, reads, writes }) => [
      what,
      count(outcome.read),
      seconds.toFixed(1),
      count(outcome.read / seconds),
      count(reads),
      count(writes),
    ]);
    return table([head, ...rows]);
  }

  #path(name: string): string {
    return join(this.#folder, `${name}.json`);
  }
}

let live: Live | undefined;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function run(most: number, kill: boolean, show: Show): Promise<boolean> {
  const source = await startEmulator({ instanceName: 'wise-heron-101', seed: 1 });
  // Its thread starts while this one fills the other deployment.
  const starting = Destination.start({ instanceName: 'calm-otter-202', seed: 2 });
  const folder = await mkdtemp(join(tmpdir(), 'demo-'));
  // Nine processes of connectors compile the same modules: each one after the first finds them compiled.
  process.env['NODE_COMPILE_CACHE'] ??= join(folder, 'compiled');
  try {
    fillWithTheWorld(source.deployment, most);
    const destination = await starting;
    say(`Two Convex deployments, emulated:\n${source.url} and ${destination.url}`);
    const tables = source.deployment.tables();
    const total = tables.reduce((sum, { documents }) => sum + documents, 0);
    say(`The first one holds ${count(total)} documents in ${tables.length} tables.\n${CREDITS}`);

    const demo = new Demo(source, destination, folder, show);
    await demo.writeConfigurations();
    const failures: string[] = [];
    const sync = async (what: string, records: number, killAt?: number): Promise<void> => {
      const outcome = await demo.sync(what, records, killAt);
      if (killAt !== undefined && outcome.failures.length === 0) failures.push(`${what}: it should have been killed`);
      if (killAt === undefined)
        failures.push(...outcome.failures.map(({ who, message }) => `${what}: ${who}: ${message}`));
    };
    if (kill) await sync('all, killed half-way', total, total / 2);
    await sync(kill ? 'the rest' : 'all', total);
    const first = await destination.compare(source.deployment);

    const { inserted, updated, deleted, transactions } = change(source.deployment);
    await sync('what changed', inserted + updated + deleted);
    const second = await destination.compare(source.deployment);

    const replaced = replace(source.deployment);
    await sync('a table replaced', replaced.written + replaced.deleted);
    const third = await destination.compare(source.deployment, replaced.table);

    say('');
    say(demo.report());
    say(
      `The changes: ${count(inserted)} inserts, ${count(updated)} updates, ${count(deleted)} deletes in ${count(transactions)} transactions.\n` +
        `Then an import over the table "${replaced.table}".\n`,
    );
    const differences = [...first.differences, ...second.differences, ...third.differences];
    say(
      table([
        ['', 'documents', 'differences'],
        ['after the first sync', count(first.documents), count(first.differences.length)],
        ['after the changes', count(second.documents), count(second.differences.length)],
        ['after the import', count(third.documents), count(third.differences.length)],
      ]),
    );
    for (const problem of [...failures, ...differences.slice(0, SHOWN)]) say(problem);
    const equal = failures.length === 0 && differences.length === 0;
    if (equal) say(NEXT);
    return equal;
  } finally {
    const stopped = starting.then((destination) => destination.close());
    await Promise.all([source.close(), stopped, rm(folder, { recursive: true, force: true })]);
  }
}

const { values } = parseArgs({
  options: {
    cities: { type: 'string', default: 'Infinity' },
    kill: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
} else {
  const show: Show = (who, text) => {
    if (!values.verbose && !/^(WARN|ERROR|FATAL)/.test(text)) return;
    (live?.show ?? showOnStderr)(who, text);
  };
  if (!(await run(Number(values.cities), values.kill, show))) process.exitCode = 1;
}
