/**
 * One campaign: a deployment that never rests is synced into another one, by the real connectors as processes, through network faults, and
 * they are killed again and again. Every sync goes on from the states that the destination gave back, as the platform has it.
 */
import { join } from 'node:path';
import { startEmulator, type Emulator, type EmulatorOptions } from '../../emulator/index.ts';
import { compare } from '../../pipeline/demo/compare.ts';
import { startSync, type Outcome, type Sync } from '../../pipeline/run.ts';
import { StateFile } from '../../pipeline/states.ts';
import { Folder } from '../support/folder.ts';
import { SeededRandom } from './seeded-random.ts';
import { BROKEN, isWatched, Jobs, replacesAtOnce, replacesTables, writtenAs, type CampaignMode } from './jobs.ts';
import { describe, drawPlan, strikeAt, Wiretap, type Plan } from './killer.ts';
import { Promises } from './promises.ts';
import { calm, change } from './network-faults.ts';
import { prepare, type Code, type Commands } from './processes.ts';
import { TableReader } from './table-reader.ts';
import { World } from './world.ts';

export interface CampaignOptions {
  seed: number;
  kills: number;
  mode: CampaignMode;
  code: Code;
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
  /** Times at which a reader listed the tables, and how often it found a table replaced. Only in the modes that have a reader. */
  looks: number;
  replacements: number;
  /** Replacements of deduplicated tables that rows had to follow which came more than once. */
  corrected: number;
  /** What was promised and not kept: empty, one hopes. */
  complaints: string[];
}

/** Transactions in the course of one sync, at most. */
const CHANGES = 100;
/** Milliseconds without a record, a state or a request after which a sync counts as one that hangs. */
const HANGS = 60_000;
/** Syncs in a row that may give up before the campaign does. */
const PATIENCE = 25;
/** Requests to the destination that are not the reader's; those that remember a generation; those that replace a table at once. */
const OF_CONNECTORS = /^\/api\/(?!list_snapshot)/;
const REMEMBER = /add_primary_key_indexes/;
const REPLACE = /^\/api\/(perform_import|import)$/;

/** What the destination's log says after the other rows were written. */
const CORRECTED = ': newer versions came after their upload';

export async function campaign(options: CampaignOptions): Promise<Figures> {
  const { seed, mode } = options;
  const random = new SeededRandom(seed);
  const source = await startEmulator({
    instanceName: 'wise-heron-101',
    seed,
    limits: { snapshotPage: random.between(2, 9), deltaRows: random.between(4, 16) },
  });
  const destination = await startEmulator({
    instanceName: 'calm-otter-202',
    seed: seed + 1000,
    limits: limitsOf(mode, random),
    backfillDelayMs: random.below(60),
    // An import takes its time, so that the reader sees it.
    ...(isWatched(mode) || replacesAtOnce(mode) ? { importBatchDelayMs: random.below(4) } : {}),
  });
  const folder = new Folder();
  try {
    return await new Campaign(options, random, source, destination, folder).run();
  } finally {
    await Promise.all([source.close(), destination.close()]);
    folder.remove();
  }
}

/** A deduplicating request may be committed in parts: a transaction holds that few keys. An import writes its rows in several batches. */
function limitsOf(mode: CampaignMode, random: SeededRandom): NonNullable<EmulatorOptions['limits']> {
  return {
    ...(writtenAs(mode) === 'append_dedup' && random.chance(0.5) ? { indexRanges: random.between(8, 60) } : {}),
    ...(isWatched(mode) || replacesAtOnce(mode) ? { documentsWritten: 16 } : {}),
  };
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
  readonly #reader: TableReader | undefined;
  readonly #commands: Commands;
  readonly #complaints: string[] = [];
  #syncs = 0;
  #kills = 0;
  #processes = 0;
  #completed = 0;
  #gaveUp = 0;
  #records = 0;
  #oneFailing = 0;
  #corrected = 0;
  #doing = 'the beginning';

  constructor(options: CampaignOptions, random: SeededRandom, source: Emulator, destination: Emulator, folder: Folder) {
    this.#options = options;
    this.#random = random;
    this.#source = source;
    this.#destination = destination;
    this.#folder = folder;
    this.#world = new World(source.deployment, new SeededRandom(options.seed + 2000));
    const complain = (text: string): void => {
      if (this.#complaints.length < 20) this.#complaints.push(`${this.#doing}: ${text}`);
    };
    const [from, to] = [source.deployment, destination.deployment];
    this.#promises = new Promises(from, to, this.#world, writtenAs(options.mode), complain);
    if (isWatched(options.mode)) this.#reader = new TableReader(destination, this.#world, complain);
    this.#wiretap = new Wiretap({ source, destination });
    this.#jobs = new Jobs(options.mode, this.#world.tables, random);
    this.#commands = prepare({ ...options, random, source, destination, folder });
  }

  async run(): Promise<Figures> {
    this.#reader?.start();
    try {
      await this.#run();
    } finally {
      await this.#reader?.stop();
    }
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
      looks: this.#reader?.looks ?? 0,
      replacements: this.#reader?.replacements ?? 0,
      corrected: this.#corrected,
      complaints: this.#complaints,
    };
  }

  async #run(): Promise<void> {
    const { kills, mode } = this.#options;
    let failures = 0;
    const pace = this.#random.between(3, 20);
    while (this.#kills < kills && this.#complaints.length === 0 && failures < PATIENCE) {
      change(this.#random, this.#source, this.#destination);
      this.#world.start(pace, CHANGES);
      const plan = this.#random.chance(0.9) ? drawPlan(this.#random, replacesAtOnce(mode)) : undefined;
      const failing = replacesTables(mode) && this.#random.chance(0.25);
      const result = await this.#sync(plan, failing);
      failures = result === 'gave up' && !failing ? failures + 1 : 0;
    }
    if (failures === PATIENCE) this.#complaints.push(`${PATIENCE} syncs in a row gave up`);
    // Writes and network faults stop: now the two have to be equal.
    this.#world.stop();
    calm([this.#source, this.#destination]);
    // A full refresh that is tried again goes on from the snapshot of its first attempt, which is older.
    if (isWatched(mode)) this.#jobs.refresh();
    if (this.#complaints.length === 0 && (await this.#sync(undefined, false)) !== 'completed')
      this.#complaints.push('the last sync did not come to its end');
    await this.#reader?.stop();
    if (this.#complaints.length === 0 && mode !== 'append') this.#complaints.push(...this.#differences());
  }

  /** One sync, which may be killed as planned. `failing`: one stream more is selected, which fails. */
  async #sync(plan: Plan | undefined, failing: boolean): Promise<'completed' | 'killed' | 'gave up'> {
    this.#doing = `sync ${++this.#syncs}${plan === undefined ? '' : ` (kill ${describe(plan)})`}${failing ? ' (one stream fails)' : ''}`;
    const { mode } = this.#options;
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
      show: (_who, text) => {
        if (text.includes(CORRECTED)) this.#corrected++;
      },
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
    // An attempt would add its rows to a table that is remembered as replaced.
    else if (mode === 'replace' && this.#destination.journal.count(REMEMBER) > 0) this.#jobs.refresh();
    if (replacesAtOnce(mode) && failing && this.#destination.journal.count(REPLACE) > 0)
      this.#complaints.push(`${this.#doing}: a table was replaced although the sync failed`);
    if (!failing) this.#checkOutcome(outcome, killed > 0);
    const why = result === 'gave up' ? ` (${outcome.failures.map(({ message }) => message).join(' ')})` : '';
    this.#options.show?.(`${this.#doing}: ${result}, ${outcome.read} records, ${outcome.states} states${why}`);
    return result;
  }

  async #outcomeOf(sync: Sync): Promise<Outcome> {
    const progress = () =>
      [
        sync.progress.read,
        sync.progress.states,
        this.#source.journal.count(),
        this.#destination.journal.count(OF_CONNECTORS),
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
}
