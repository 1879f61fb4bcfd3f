/**
 * A campaign on tables that are replaced: the source is killed and started again while tables of its deployment are imported over, cleared,
 * dropped and made again. Two modelled consumers take its records; after each completed sync during which no table was replaced, both have
 * to hold exactly what the deployment held at the commit at which the sync says that it ends.
 */
import { join } from 'node:path';
import { startEmulator, type Emulator, type Format } from '../../../emulator/index.ts';
import { StateFile } from '../../../pipeline/states.ts';
import { Folder } from '../../support/folder.ts';
import { errorsOf, statesOf, streamName } from '../../support/messages.ts';
import { recordsOf } from '../../support/records.ts';
import { Wiretap } from '../killer.ts';
import { calm, change } from '../network-faults.ts';
import { commandOf, type Code } from '../processes.ts';
import { SeededRandom } from '../seeded-random.ts';
import { backendOf } from './backend.ts';
import { Consumers } from './consumers.ts';
import { areInDataSync, asOld, OLD_FORMS, type OldForm } from './old-states.ts';
import { describeCut, drawCut, runSource, type Cut, type RunResult } from './source-run.ts';
import { streamOf, TableEvents, type Counts, type Table } from './table-events.ts';

export interface ReplacedOptions {
  seed: number;
  kills: number;
  /** A backend without Data Sync, or without a part of it. Nothing tells of replaced tables there, so none is replaced. */
  fallback: boolean;
  /** Whether tables are also dropped and made anew. */
  drops: boolean;
  /** Whether the first syncs leave states as earlier sources wrote them. No table is replaced until all streams are in Data Sync. */
  oldStates?: boolean;
  /** Whether a full refresh of another table is in the catalog as well. */
  refresh?: boolean;
  code: Code;
  /** Told of each sync, in one line. */
  show?: (line: string) => void;
}

export interface ReplacedFigures extends Counts {
  syncs: number;
  kills: number;
  completed: number;
  gaveUp: number;
  /** Completed syncs during which no table was replaced: their results were compared. */
  quiet: number;
  /** Completed syncs during which a table was replaced, and how many of them were exact all the same. Nothing is asked of them. */
  unquiet: number;
  unquietExact: number;
  records: number;
  requests: number;
  faults: number;
  complaints: string[];
}

/** What happens in the course of one sync, at most. */
const CHANGES = 80;
/** Syncs in a row that may give up before the campaign does. */
const PATIENCE = 25;
interface StateLine {
  state: { stream: { stream_descriptor: { name: string; namespace?: string } } };
}

/** The stream of the full refresh, and how many rows it has. */
const REFRESHED = 'refreshed';
const REFRESHED_ROWS = 40;

const NO_TABLE = /has no table/;

export async function replacedTables(options: ReplacedOptions): Promise<ReplacedFigures> {
  const random = new SeededRandom(options.seed);
  const backend = backendOf(options, random);
  const source = await startEmulator(backend);
  const folder = new Folder();
  try {
    // The source refuses to follow tables of components where the change log may leave them out.
    const inComponents = backend.withoutDataSync !== true;
    return await new Campaign(options, random, source, folder, inComponents).run();
  } finally {
    await source.close();
    folder.remove();
  }
}

class Campaign {
  readonly #options: ReplacedOptions;
  readonly #random: SeededRandom;
  readonly #source: Emulator;
  readonly #folder: Folder;
  readonly #events: TableEvents;
  readonly #eventTimes: SeededRandom;
  readonly #wiretap: Wiretap;
  readonly #consumers = new Consumers();
  readonly #format: Format;
  readonly #command: string[];
  /** The tables that may be selected, and those that are. More join in the course of the campaign. */
  readonly #tables: readonly Table[];
  readonly #selected: Table[];
  /** Streams that have a saved state. */
  readonly #begun = new Set<string>();
  readonly #figures: Omit<ReplacedFigures, keyof Counts>;
  /** The form of the states of the first syncs. */
  #oldForm: OldForm | undefined;
  /** Syncs that still leave such states. */
  #oldSyncs = 0;
  #doing = 'the beginning';

  constructor(options: ReplacedOptions, random: SeededRandom, source: Emulator, folder: Folder, inComponents: boolean) {
    this.#options = options;
    this.#random = random;
    this.#source = source;
    this.#folder = folder;
    this.#events = new TableEvents(source.deployment, new SeededRandom(options.seed + 2000), {
      replaces: !options.fallback,
      drops: options.drops,
    });
    this.#eventTimes = new SeededRandom(options.seed + 4000);
    this.#wiretap = new Wiretap({ source });
    this.#format = random.pick(['json', 'json', 'export_json', 'convex_encoded_json']);
    this.#tables = this.#events.tables.filter(({ component }) => inComponents || component === '');
    this.#selected = this.#tables.slice(0, random.between(2, this.#tables.length));
    const access = { deployment_url: source.url, access_key: source.readOnlyKey };
    folder.write('source.json', { ...access, value_format: this.#format });
    const tuning = { RETRY_MIN_MS: 1, RESPONSE_MS: 1500, IDLE_MS: 1500, POLL_MS: 1 };
    this.#command = commandOf('source', options.code, { ...tuning, CHECKPOINT_MS: random.pick([0, 0, 5, 40]) });
    folder.write('old-source.json', { ...access, value_format: this.#format, changes_from: 'Change log' });
    if (options.oldStates === true) {
      this.#oldForm = random.pick(OLD_FORMS);
      this.#oldSyncs = random.between(1, 3);
      this.#events.onlyChanges = true;
    }
    if (options.refresh === true)
      source.deployment.load(
        REFRESHED,
        Array.from({ length: REFRESHED_ROWS }, (_, n) => ({ n })),
      );
    const counts = { syncs: 0, kills: 0, completed: 0, gaveUp: 0, quiet: 0, unquiet: 0, unquietExact: 0 };
    this.#figures = { ...counts, records: 0, requests: 0, faults: 0, complaints: [] };
  }

  async run(): Promise<ReplacedFigures> {
    const random = this.#random;
    const figures = this.#figures;
    let failures = 0;
    while (figures.kills < this.#options.kills && figures.complaints.length === 0 && failures < PATIENCE) {
      change(random, this.#source);
      for (let i = random.below(30); i > 0; i--) this.#events.step(false);
      await this.#changeSelection();
      const quietly = random.chance(0.6);
      const cut = random.chance(0.75) ? drawCut(random) : undefined;
      const ending = await this.#sync(cut, quietly, random.pick([0.03, 0.1, 0.3, 0.6]));
      failures = ending === 'gave up' ? failures + 1 : 0;
      if (this.#oldSyncs > 0) this.#oldSyncs--;
      else if (await areInDataSync(join(this.#folder.path, 'states.json'), this.#selected.length))
        this.#events.onlyChanges = false;
    }
    if (failures === PATIENCE) this.#complain(`${PATIENCE} syncs in a row gave up`);
    calm([this.#source]);
    if (figures.complaints.length === 0 && (await this.#sync(undefined, true, 0)) !== 'completed')
      this.#complain('the last sync did not come to its end');
    return { ...figures, ...this.#events.counts, faults: this.#source.faults.fired };
  }

  #complain(text: string): void {
    if (this.#figures.complaints.length < 20) this.#figures.complaints.push(`${this.#doing}: ${text}`);
  }

  /** A stream joins now and then, and another one is refreshed. */
  async #changeSelection(): Promise<void> {
    const random = this.#random;
    const next = this.#tables[this.#selected.length];
    if (next !== undefined && random.chance(0.1)) this.#selected.push(next);
    if (!random.chance(0.05)) return;
    const { table, component } = random.pick(this.#selected);
    const states = await this.#states();
    states.forget([{ name: table, namespace: component }]);
    await states.save();
    this.#consumers.forget(streamOf({ table, component }));
    this.#begun.delete(streamOf({ table, component }));
  }

  /** `activity`: the chance that something happens in a phase of a request. By requests, not by time: so a seed repeats it. */
  async #sync(cut: Cut | undefined, quietly: boolean, activity: number): Promise<'completed' | 'killed' | 'gave up'> {
    const figures = this.#figures;
    this.#doing = `sync ${++figures.syncs}${cut === undefined ? '' : ` (kill at ${describeCut(cut)})`}`;
    if (quietly) this.#events.completeTables();
    const { replacements, complete } = this.#events;
    this.#source.journal.clear();
    let left = CHANGES;
    const result = await this.#run(cut, () => {
      if (left > 0 && this.#eventTimes.chance(activity)) left--;
      else return;
      this.#events.step(quietly);
    });
    const isQuiet = complete && this.#events.replacements === replacements;
    figures.requests += this.#source.journal.count();
    if (result.killed) figures.kills++;
    await this.#deliver(result);
    const ending = result.code === 0 ? 'completed' : result.killed ? 'killed' : 'gave up';
    if (ending === 'completed') this.#judge(result, isQuiet);
    if (ending === 'gave up') this.#checkFailure(result, isQuiet);
    this.#options.show?.(`${this.#doing}: ${ending}${isQuiet ? '' : ', not quiet'}, ${result.lines.length} lines`);
    return ending;
  }

  async #run(cut: Cut | undefined, onRequest: () => void): Promise<RunResult> {
    const catalog = this.#folder.write('catalog.json', {
      streams: [...this.#selected.map(configured), ...(this.#options.refresh === true ? [REFRESH] : [])],
    });
    const states = await this.#states();
    const files = [
      '--config',
      join(this.#folder.path, this.#oldSyncs > 0 ? 'old-source.json' : 'source.json'),
      '--catalog',
      catalog,
    ];
    if (states.size > 0) files.push('--state', states.path);
    try {
      return await runSource([...this.#command, 'read', ...files], { cut, onRequest, wiretap: this.#wiretap });
    } catch (error) {
      this.#complain(String(error));
      return { lines: [], killed: true, code: null, stderr: '' };
    }
  }

  /**
   * All records reach the consumers, and the states come back. Where no table is replaced, the last ones may be lost although the records
   * after them are there, but never the first state of a stream. Elsewhere such a state may be the only one that knows of a snapshot whose
   * rows are there: no source can find them without it once their table was replaced.
   */
  async #deliver({ lines, killed }: RunResult): Promise<void> {
    const random = this.#random;
    try {
      for (const record of recordsOf(lines)) {
        this.#figures.records++;
        if (record.stream !== REFRESHED) this.#consumers.take(record);
      }
    } catch (error) {
      this.#complain(String(error));
    }
    const written = lines.filter((line) => line.startsWith('{"type":"STATE"'));
    const mayLose = this.#options.fallback && random.chance(killed ? 0.5 : 0.1);
    const lost = mayLose ? random.below(written.length + 1) : 0;
    const states = await this.#states();
    for (const [at, line] of written.entries()) {
      const stream = streamName((JSON.parse(line) as StateLine).state.stream.stream_descriptor);
      if (at < written.length - lost || !this.#begun.has(stream))
        states.put(Buffer.from(this.#oldSyncs > 0 ? asOld(line, this.#oldForm!) : line));
      this.#begun.add(stream);
    }
    await states.save();
  }

  /** A completed sync: all streams stand at one commit, and the consumers hold what the deployment held at it. */
  #judge({ lines, stderr }: RunResult, isQuiet: boolean): void {
    const figures = this.#figures;
    figures.completed++;
    const positions = new Map<string, string>();
    for (const state of statesOf(lines)) {
      if (state.type !== 'STREAM' || state.stream.stream_descriptor.name === REFRESHED) continue;
      const { snapshot_has_more, delta_cursor } = state.stream.stream_state as Record<string, unknown>;
      const finished = snapshot_has_more === false && typeof delta_cursor === 'string';
      positions.set(streamName(state.stream.stream_descriptor), finished ? delta_cursor : 'unfinished');
    }
    const found: string[] = [];
    const refreshed = new Set(recordsOf(lines).flatMap(({ stream, id }) => (stream === REFRESHED ? [id] : [])));
    if (this.#options.refresh === true && refreshed.size !== REFRESHED_ROWS)
      found.push(`the full refresh has ${refreshed.size} rows`);
    const ends = [...positions.values()].sort();
    if (positions.size !== this.#selected.length || !this.#isOneCommit(ends))
      found.push(`the streams do not end at one commit: ${JSON.stringify(Object.fromEntries(positions))}`);
    else for (const table of this.#selected) found.push(...this.#differences(table, BigInt(ends[0]!)));
    if (isQuiet) {
      figures.quiet++;
      for (const difference of found) this.#complain(difference);
      if (stderr !== '') this.#complain('it wrote to stderr');
    } else {
      figures.unquiet++;
      if (found.length === 0) figures.unquietExact++;
    }
  }

  /** Whether no table was written between the first and the last of these timestamps (digits, sorted). */
  #isOneCommit(ends: readonly string[]): boolean {
    const [first, last] = [ends[0], ends.at(-1)];
    if (first === undefined || last === undefined || last === 'unfinished') return false;
    const { log } = this.#source.deployment;
    // Rows of system tables, and of imports under way, are no commits that a reader could see.
    const between = log.rows.slice(log.firstAfter(BigInt(first)), log.firstAfter(BigInt(last)));
    return between.every(({ tablet }) => tablet?.active !== true);
  }

  #differences(table: Table, ts: bigint): string[] {
    const truth = new Map<string, string>();
    for (const one of this.#source.deployment.catalog.all) {
      if (one.name !== table.table || one.component !== table.component || !one.activeAt(ts)) continue;
      for (const entry of one.documents) {
        const revision = entry.at(ts);
        if (revision !== undefined) truth.set(entry.id, `{${revision.fields(this.#format)}}`);
      }
    }
    return this.#consumers.differences(streamOf(table), truth);
  }

  /** Trouble on the way is never a defect. A table that is dropped at the moment cannot be read, and that is said. */
  #checkFailure({ lines, code }: RunResult, isQuiet: boolean): void {
    this.#figures.gaveUp++;
    const errors = errorsOf(lines);
    if (errors.length === 0) this.#complain(`exit code ${code} without a message`);
    for (const { failure_type, message, internal_message } of errors) {
      if (failure_type === 'transient_error' || (!isQuiet && NO_TABLE.test(message))) continue;
      this.#complain(`${failure_type}: ${message} ${internal_message ?? ''}`);
    }
  }

  async #states(): Promise<StateFile> {
    return StateFile.load(join(this.#folder.path, 'states.json'));
  }
}

function configured({ table, component }: Table): object {
  return {
    stream: {
      name: table,
      ...(component === '' ? {} : { namespace: component }),
      json_schema: {},
      supported_sync_modes: ['full_refresh', 'incremental'],
    },
    sync_mode: 'incremental',
    destination_sync_mode: 'append_dedup',
    cursor_field: ['_ts'],
    primary_key: [['_id']],
  };
}

const REFRESH = {
  ...configured({ table: REFRESHED, component: '' }),
  sync_mode: 'full_refresh',
  destination_sync_mode: 'overwrite',
};
