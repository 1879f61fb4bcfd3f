/** What is synced in a campaign: the configured catalog of each sync, and the jobs and generations that a platform counts. */
import { MODES, type Mode } from '../../pipeline/catalog.ts';
import type { StateFile } from '../../pipeline/states.ts';
import type { ConfiguredAirbyteCatalog, ConfiguredAirbyteStream } from '../../shared/airbyte/protocol.generated.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { ModelTable } from './world.ts';

/**
 * `refresh`: append_dedup with truncating refreshes, one after the other, each with a generation.
 * `replace`: overwrite with the method `Replace at once`, with and without generations, while somebody reads the tables.
 * `replace_dedup`: `refresh` with the method `Replace at once`: rows change while they are read, so keys come more than once.
 * `clear`: the same with `Clear, then insert`, which the reader has to notice: it shows that `replace` is a trial.
 */
export type CampaignMode = Mode | 'refresh' | 'replace' | 'replace_dedup' | 'clear';
export const CAMPAIGN_MODES: readonly CampaignMode[] = [...MODES, 'refresh', 'replace', 'replace_dedup', 'clear'];

/** The destination sync mode. */
export function writtenAs(mode: CampaignMode): Mode {
  if (isRefreshed(mode)) return 'append_dedup';
  return mode === 'replace' || mode === 'clear' ? 'overwrite' : mode;
}

/** Whether rows are deduplicated, and refreshed one time after the other. */
function isRefreshed(mode: CampaignMode): mode is 'refresh' | 'replace_dedup' {
  return mode === 'refresh' || mode === 'replace_dedup';
}

/** Whether tables are replaced with the method `Replace at once`. */
export function replacesAtOnce(mode: CampaignMode): boolean {
  return mode === 'replace' || mode === 'replace_dedup';
}

/** Whether each sync, or each refresh, replaces the tables. */
export function replacesTables(mode: CampaignMode): boolean {
  return isRefreshed(mode) || writtenAs(mode) === 'overwrite';
}

/** Whether somebody reads the tables all the time. */
export function isWatched(mode: CampaignMode): boolean {
  return mode === 'replace' || mode === 'clear';
}

/** A stream that cannot be read: a query that the deployment does not have. The other streams are read all the same. */
export const BROKEN = 'broken';

export class Jobs {
  readonly #mode: CampaignMode;
  readonly #tables: readonly ModelTable[];
  readonly #random: SeededRandom;
  /** Whether the platform counts generations. */
  readonly #counts: boolean;
  #generation = 0;
  /** Number of the job: the same for each of its attempts. */
  #job = 100;
  #over = true;

  constructor(mode: CampaignMode, tables: readonly ModelTable[], random: SeededRandom) {
    this.#mode = mode;
    this.#tables = tables;
    this.#random = random;
    this.#counts = isRefreshed(mode) || (isWatched(mode) && random.chance(0.5));
  }

  /**
   * A refresh that was lost is tried again, with the states that came back. After one that succeeded comes mostly the next one: a new generation
   * and no states; or another job of the same generation; or the first refresh of a connection that was made anew. An overwrite has a new
   * generation in each job.
   */
  async begin(states: StateFile): Promise<void> {
    if (!this.#counts || !this.#over) return;
    this.#over = false;
    this.#job++;
    const again = isRefreshed(this.#mode) && this.#generation > 0 && this.#random.chance(0.3);
    if (again) return;
    this.#generation = this.#generation > 1 && this.#random.chance(0.2) ? 1 : this.#generation + 1;
    states.forget(this.#tables.map(({ table, component }) => ({ name: table, namespace: component })));
    await states.save();
  }

  /** The job has succeeded. */
  end(): void {
    this.#over = true;
  }

  /** Somebody refreshes once more instead of trying the job again. */
  refresh(): void {
    this.#over = true;
  }

  /** `failing`: with a stream that fails. */
  catalog(failing: boolean): ConfiguredAirbyteCatalog {
    const mode = this.#mode;
    const ids = { generation_id: this.#generation, minimum_generation_id: this.#generation, sync_id: this.#job };
    const tables = this.#tables.map(({ table, component }): ConfiguredAirbyteStream => ({
      stream: {
        name: table,
        ...(component === '' ? {} : { namespace: component }),
        json_schema: {},
        supported_sync_modes: ['full_refresh', 'incremental'],
      },
      sync_mode: writtenAs(mode) === 'overwrite' ? 'full_refresh' : 'incremental',
      destination_sync_mode: writtenAs(mode),
      cursor_field: ['_ts'],
      primary_key: [['_id']],
      ...(this.#counts ? ids : {}),
    }));
    const broken: ConfiguredAirbyteStream = {
      stream: { name: BROKEN, json_schema: {}, supported_sync_modes: ['full_refresh'] },
      sync_mode: 'full_refresh',
      destination_sync_mode: 'append',
    };
    return { streams: failing ? [broken, ...tables] : tables };
  }
}
