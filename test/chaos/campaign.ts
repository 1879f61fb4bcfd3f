/**
 * One campaign: a deployment that never rests is synced into another one, by the real connectors as processes, through network faults, and
 * they are killed again and again. Every sync goes on from the states that the destination gave back, as the platform has it.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator, type Emulator } from '../../emulator/index.ts';
import { compare } from '../../pipeline/demo/compare.ts';
import { startSync, type Outcome, type Sync } from '../../pipeline/run.ts';
import { StateFile } from '../../pipeline/states.ts';
import { Folder } from '../support/folder.ts';
import { SeededRandom } from './seeded-random.ts';
import { BROKEN, Jobs, writtenAs, type CampaignMode } from './jobs.ts';
import { describe, drawPlan, strikeAt, Wiretap, type Plan } from './killer.ts';
import { Promises } from './promises.ts';
import { calm, change } from './network-faults.ts';
import { World } from './world.ts';

export interface CampaignOptions {
  seed: number;
  kills: number;
  mode: CampaignMode;
  /** The folder with `source-convex/main.*` and `destination-convex/main.*`, and how these files end. */
  code: { root: string; extension: 'ts' | 'js' };
  /** Told of each sync, in one line. */
  show?: (line: string) => void;
}

export interface Figures {
  syncs: number;
  /** Syncs in which at least one process was killed. */
  kills: number;
  /** Processes that were killed. */
  processes: number;
  /** Syncs that came to a good end. */
  completed: number;
  /** Syncs that gave up by themselves, since the network failed too often. */
  gaveUp: number;
  /** Syncs in which one of the streams was made to fail. */
  oneFailing: number;
  faults: number;
  /** States that were compared with what was durable. */
  states: number;
  transactions: number;
  revisions: number;
  records: number;
  /** What was promised and not kept: empty, one hopes. */
  complaints: string[];
}

/** Transactions in the course of one sync, at most. */
const CHANGES = 100;
/** Milliseconds without a record, a state or a request after which a sync counts as one that hangs. */
const HANGS = 60_000;
/** Syncs in a row that may give up before the campaign does. */
const PATIENCE = 25;

export async function campaign(options: CampaignOptions): Promise<Figures> {
  const { seed } = options;
  const mode = writtenAs(options.mode);
  const random = new SeededRandom(seed);
  const source = await startEmulator({
    instanceName: 'wise-heron-101',
    seed,
    limits: { snapshotPage: random.between(2, 9), deltaRows: random.between(4, 16) },
  });
  const destination = await startEmulator({
    instanceName: 'calm-otter-202',
    seed: seed + 1000,
    // A deduplicating request may be committed in parts: a transaction holds that few keys.
    limits: mode === 'append_dedup' && random.chance(0.5) ? { indexRanges: random.between(8, 60) } : {},
    backfillDelayMs: random.below(60),
  });
  const folder = new Folder();
  try {
    return await new Campaign(options, random, source, destination, folder).run();
  } finally {
    await Promise.all([source.close(), destination.close()]);
    folder.remove();
  }
}

class Campaign {
  readonly #options: CampaignOptions;
  readonly #random: SeededRandom;
  readonly #source: Emulator;
  readonly #destination: Emulator;
  readonly #folder: Folder;
  readonly #world: World;
  readonly #promises: Promises;
  readonly #wiretap: Wiretap;
  readonly #jobs: Jobs;
  readonly #commands: { source: string[]; destination: string[] };
  readonly #complaints: string[] = [];
  #syncs = 0;
  #kills = 0;
  #processes = 0;
  #completed = 0;
  #gaveUp = 0;
  #records = 0;
  #oneFailing = 0;
  #doing = 'the beginning';

  constructor(options: CampaignOptions, random: SeededRandom, source: Emulator, destination: Emulator, folder: Folder) {
    this.#options = options;
    this.#random = random;
    this.#source = source;
    this.#destination = destination;
    this.#folder = folder;
    this.#world = new World(source.deployment, new SeededRandom(options.seed + 2000));
    this.#promises = new Promises(
      source.deployment,
      destination.deployment,
      this.#world,
      writtenAs(options.mode),
      (text) => {
        if (this.#complaints.length < 20) this.#complaints.push(`${this.#doing}: ${text}`);
      },
    );
    this.#wiretap = new Wiretap(source, destination);
    this.#jobs = new Jobs(options.mode, this.#world.tables, random);
    this.#commands = this.#prepare();
  }

  async run(): Promise<Figures> {
    const { kills, mode } = this.#options;
    let failures = 0;
    const pace = this.#random.between(3, 20);
    while (this.#kills < kills && this.#complaints.length === 0 && failures < PATIENCE) {
      change(this.#random, [this.#source, this.#destination]);
      this.#world.start(pace, CHANGES);
      const plan = this.#random.chance(0.9) ? drawPlan(this.#random) : undefined;
      const failing = (mode === 'refresh' || mode === 'overwrite') && this.#random.chance(0.25);
      const result = await this.#sync(plan, failing);
      failures = result === 'gave up' && !failing ? failures + 1 : 0;
    }
    if (failures === PATIENCE) this.#complaints.push(`${PATIENCE} syncs in a row gave up`);
    // Writes and network faults stop: now the two have to be equal.
    this.#world.stop();
    calm([this.#source, this.#destination]);
    if (this.#complaints.length === 0 && (await this.#sync(undefined, false)) !== 'completed')
      this.#complaints.push('the last sync did not come to its end');
    if (this.#complaints.length === 0 && mode !== 'append') this.#complaints.push(...this.#differences());
    return {
      syncs: this.#syncs,
      kills: this.#kills,
      processes: this.#processes,
      completed: this.#completed,
      gaveUp: this.#gaveUp,
      oneFailing: this.#oneFailing,
      faults: this.#source.faults.fired + this.#destination.faults.fired,
      states: this.#promises.states,
      transactions: this.#world.transactions,
      revisions: this.#world.revisions,
      records: this.#records,
      complaints: this.#complaints,
    };
  }

  /** One sync, which may be killed as planned. `failing`: one stream more is selected, which fails. */
  async #sync(plan: Plan | undefined, failing: boolean): Promise<'completed' | 'killed' | 'gave up'> {
    this.#doing = `sync ${++this.#syncs}${plan === undefined ? '' : ` (kill ${describe(plan)})`}${failing ? ' (one stream fails)' : ''}`;
    if (failing) this.#oneFailing++;
    this.#source.journal.clear();
    this.#destination.journal.clear();
    const states = await StateFile.load(join(this.#folder.path, 'states.json'));
    await this.#jobs.begin(states);
    const put = states.put.bind(states);
    states.put = (line) => {
      const state = put(line);
      if (state.stream?.stream_descriptor.name !== BROKEN) this.#promises.state(state);
      return state;
    };
    const sync = await startSync({
      ...this.#commands,
      sourceConfig: join(this.#folder.path, failing ? 'source-failing.json' : 'source.json'),
      destinationConfig: join(this.#folder.path, 'destination.json'),
      catalog: this.#jobs.catalog(failing),
      states,
      show: () => undefined,
    });
    if (plan !== undefined) strikeAt(plan, sync, this.#wiretap);
    const outcome = await this.#outcomeOf(sync);
    this.#records += outcome.read;
    const killed = [sync.source, sync.destination].filter(({ child }) => child.signalCode === 'SIGKILL').length;
    // A process that was killed after its last word leaves a sync that was completed all the same.
    const result = outcome.failures.length === 0 ? 'completed' : killed > 0 ? 'killed' : 'gave up';
    if (killed > 0) this.#kills++;
    this.#processes += killed;
    if (result === 'completed') this.#completed++;
    if (result === 'gave up' && !failing) this.#gaveUp++;
    if (result === 'completed') this.#promises.sync();
    if (result === 'completed' && failing) this.#complaints.push(`${this.#doing}: it succeeded`);
    if (result === 'completed') this.#jobs.end();
    if (!failing) this.#checkOutcome(outcome, killed > 0);
    this.#options.show?.(`${this.#doing}: ${result}, ${outcome.read} records, ${outcome.states} states`);
    return result;
  }

  async #outcomeOf(sync: Sync): Promise<Outcome> {
    const progress = () =>
      [
        sync.progress.read,
        sync.progress.states,
        this.#source.journal.count(),
        this.#destination.journal.count(),
      ].join();
    let [last, since] = [progress(), performance.now()];
    let timer: NodeJS.Timeout | undefined;
    const hanging = new Promise<never>((_resolve, reject) => {
      timer = setInterval(() => {
        const now = progress();
        if (now !== last) [last, since] = [now, performance.now()];
        if (performance.now() - since < HANGS) return;
        for (const { child } of [sync.source, sync.destination]) child.kill('SIGKILL');
        reject(new Error(`${this.#doing}: it hangs`));
      }, 1000);
    });
    try {
      return await Promise.race([sync.outcome, hanging]);
    } finally {
      clearInterval(timer);
    }
  }

  /** Trouble on the way is never the user's to mend, nor a defect: a connector that gives up says that trying later may help. */
  #checkOutcome({ failures, rejected }: Outcome, killed: boolean): void {
    if (rejected > 0) this.#complaints.push(`${this.#doing}: ${rejected} records were rejected`);
    for (const { who, message, type, internal } of failures) {
      if (type === 'transient_error' || (type === undefined && killed)) continue;
      if (type === undefined && failures.some((other) => other.type === 'transient_error')) continue;
      this.#complaints.push(
        `${this.#doing}: the ${who} failed with a ${type ?? 'failure of no type'}: ${message} ${internal ?? ''}`,
      );
    }
  }

  #differences(): string[] {
    return compare(this.#source.deployment, this.#destination.deployment).differences.filter(
      // Tables of which no document was ever synced have no copy, and one table was not selected.
      (difference) => !difference.startsWith(`${this.#world.other.table}: `),
    );
  }

  /** Configurations, and commands with all intervals as short as the data are few. */
  #prepare(): { source: string[]; destination: string[] } {
    const random = this.#random;
    const config = (url: string, key: string) => ({ deployment_url: url, access_key: key });
    this.#folder.write('source.json', config(this.#source.url, this.#source.readOnlyKey));
    this.#folder.write('source-failing.json', {
      ...config(this.#source.url, this.#source.readOnlyKey),
      query_streams: [{ name: BROKEN, query: 'no:such' }],
    });
    this.#folder.write('destination.json', config(this.#destination.url, this.#destination.importOnlyKey));
    const tuning = {
      RETRY_MIN_MS: 1,
      RESPONSE_MS: 1500,
      IDLE_MS: 1500,
      CHECKPOINT_MS: random.pick([0, 0, 5, 40]),
      BATCH_BYTES: random.pick([2_000, 20_000, 500_000]),
      BATCH_RECORDS: random.between(2, 40),
      BATCH_AGE_MS: random.pick([1, 15, 100]),
      POLL_MS: 5,
    };
    const environment = [
      `NODE_COMPILE_CACHE=${join(tmpdir(), 'convex-connector-compile-cache')}`,
      ...Object.entries(tuning).map(([name, value]) => `CONVEX_CONNECTOR_${name}=${value}`),
    ];
    const { root, extension } = this.#options.code;
    const command = (name: string) => [
      'env',
      ...environment,
      process.execPath,
      join(root, `${name}-convex`, `main.${extension}`),
    ];
    return { source: command('source'), destination: command('destination') };
  }
}
