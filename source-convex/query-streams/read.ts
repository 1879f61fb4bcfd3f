/** Reads query streams one after another. */
import { descriptorKey, descriptorOf, type StreamStates } from '../../shared/core/stream-descriptor.ts';
import { ConnectorFailure } from '../../shared/core/failure.ts';
import type { Log } from '../../shared/core/log.ts';
import { connectFunctions } from '../../shared/connector/deployment.ts';
import { ConvexApiError, type Reason } from '../../shared/convex/errors.ts';
import { Functions } from '../../shared/convex/functions.ts';
import type { ValueFormat } from '../../shared/convex/streaming-export.ts';
import { walkPages, type PageEnd } from '../../shared/core/generators.ts';
import type { ConfiguredStream } from '../catalog.ts';
import type { SourceConfig } from '../config.generated.ts';
import type { ReadEvent } from '../output/events.ts';
import { counted } from '../../shared/core/text.ts';
import { syncIdOf } from '../saved-state.ts';
import type { QueryStream } from './config.ts';
import { asArgument } from './cursor-value.ts';
import { explainQuery } from './failures.ts';
import { planQuery, type QueryPlan } from './plan.ts';
import { QueryRecords } from './query-records.ts';
import { formatQueryState, type QueryState } from './state.ts';
import { QueryFailed, QueryPages } from './walk.ts';
import { Watermark } from './watermark.ts';

/** A query stream that the catalog selects. */
export interface SelectedQuery {
  /** Index by which events name it. */
  index: number;
  query: QueryStream;
  configured: ConfiguredStream;
}

/** Yields the events of the query streams. A stream that cannot be read does not stop the others. */
export async function* readQueryStreams(
  config: SourceConfig,
  selected: readonly SelectedQuery[],
  states: StreamStates,
  log: Log,
): AsyncGenerator<ReadEvent, void> {
  const { http, host, name: deployment } = connectFunctions(config, 'airbyte-export', 'sync', log);
  const functions = new Functions(http, config.value_format);
  const typed = new Functions(http, 'convex_encoded_json');
  let fatal: ConnectorFailure | undefined;
  for (const { index, query, configured } of selected) {
    yield { kind: 'started', stream: index };
    if (fatal !== undefined) {
      yield { kind: 'failed', stream: index, failure: fatal };
      continue;
    }
    try {
      const raw = states.get(descriptorKey(descriptorOf(query.name)));
      yield* new QueryReader({ index, query, configured, raw, log, functions, typed, config, deployment }).read();
    } catch (error) {
      const failure = explainQuery(error, query, { host, config, during: 'sync' });
      if (!(failure instanceof ConnectorFailure)) throw failure;
      yield { kind: 'failed', stream: index, failure };
      if (error instanceof ConvexApiError && FATAL.has(error.reason)) fatal = failure;
    }
  }
}

/** Reasons after which no other stream can be read. */
const FATAL: ReadonlySet<Reason> = new Set(['unreachable', 'stopped', 'no-deployment', 'bad-key']);

interface QueryReaderOptions extends SelectedQuery {
  /** Raw JSON of the saved state. */
  raw: string | undefined;
  log: Log;
  functions: Functions;
  /** In a format that tells int64 values from texts. */
  typed: Functions;
  config: SourceConfig;
  deployment: string | undefined;
}

class QueryReader {
  readonly #options: QueryReaderOptions;
  readonly #plan: QueryPlan;
  readonly #incremental: boolean;
  readonly #syncId: number | undefined;
  readonly #records: QueryRecords;
  readonly #format: ValueFormat;

  constructor(options: QueryReaderOptions) {
    const { index, query, configured, raw, deployment, config } = options;
    this.#options = options;
    this.#format = config.value_format ?? 'json';
    this.#records = new QueryRecords(index);
    this.#incremental = configured.sync_mode === 'incremental';
    this.#syncId = syncIdOf(configured);
    this.#plan = planQuery({
      stream: query,
      descriptor: descriptorOf(query.name),
      incremental: this.#incremental,
      syncId: this.#syncId,
      raw,
      deployment,
      format: this.#format,
    });
  }

  /** Throws errors for `explainQuery`. */
  async *read(): AsyncGenerator<ReadEvent, void> {
    const { index } = this.#options;
    const plan = this.#plan;
    this.#announce(plan);
    switch (plan.kind) {
      case 'failed':
        yield { kind: 'failed', stream: index, failure: plan.failure };
        return;
      case 'done':
        yield this.#position(plan.state);
        break;
      case 'walk':
        yield* this.#walk(null, undefined);
        break;
      case 'changes':
        yield* this.#walk(null, { ...plan.state, nextCursor: undefined });
        break;
      case 'resume':
        yield* this.#walk(plan.state.pageCursor, plan.state);
        break;
    }
    yield { kind: 'complete', stream: index };
    if (plan.kind !== 'done') this.#summary();
  }

  /** Walks from a position to the end. `before`: the state that the walk begins or continues with. */
  async *#walk(position: string | null, before: QueryState | undefined): AsyncGenerator<ReadEvent, void> {
    const { query, functions, log } = this.#options;
    const pages = new QueryPages(functions, query, (previous, now, { text }) => {
      log.warn(
        `Query stream "${query.name}": the query could not give a page of ${counted(previous, 'record')} (${text}). Trying pages of ${counted(now, 'record')}.`,
      );
    });
    const walk = { cursor: position, watermark: new Watermark(query, this.#format, before) };
    for (let restarted = false; ; restarted = true) {
      try {
        yield* walkPages(walk.cursor, (at) => this.#page(pages, walk, at));
        if (this.#incremental && this.#records.count > 0 && walk.watermark.reached === undefined && query.cursor)
          log.warn(
            `Query stream "${query.name}": no record has a value in the cursor field "${query.cursor.field}", so every sync reads all of it. Check the name of the field.`,
          );
        return;
      } catch (error) {
        const lost = error instanceof QueryFailed && error.failure.kind === 'bad-cursor';
        if (!lost || walk.cursor === null || restarted) throw error;
        log.warn(
          `Query stream "${query.name}": the query does not know the position any more at which reading was to go on, probably because it was changed. Reading begins again from where this walk began.`,
        );
        walk.cursor = null;
        walk.watermark = new Watermark(query, this.#format, before && { ...before, nextCursor: undefined });
      }
    }
  }

  async *#page(
    pages: QueryPages,
    walk: { cursor: string | null; watermark: Watermark },
    at: string | null,
  ): AsyncGenerator<ReadEvent, PageEnd<ReadEvent, string | null>> {
    const { typed, query } = this.#options;
    const { watermark } = walk;
    if (watermark.needsType()) watermark.learnType(await new QueryPages(typed, query).page(null, undefined));
    const since = watermark.lower === undefined ? undefined : asArgument(watermark.lower, this.#format);
    const page = await pages.page(at, since);
    if (watermark.needsType(page)) watermark.learnType(await new QueryPages(typed, query).page(at, since));
    yield { kind: 'records', records: this.#records.open(page, watermark) };
    walk.cursor = page.next;
    watermark.endPage(at === null);
    const position = this.#position(this.#stateAt(page.next, watermark));
    return { next: page.next ?? undefined, events: [position] };
  }

  /** Each page is worth a STATE: many pages may have no record that passes the watermark. */
  #position(state: QueryState): ReadEvent {
    const { index, query } = this.#options;
    return {
      kind: 'positions',
      positions: [{ stream: index, state: () => formatQueryState(query.query, state), due: true }],
    };
  }

  #stateAt(next: string | null, watermark: Watermark): QueryState {
    const { query, deployment } = this.#options;
    return {
      fingerprint: query.fingerprint,
      pageCursor: next,
      hasMore: next !== null,
      ...(next === null
        ? { ...watermark.next, nextCursor: undefined }
        : { cursor: watermark.lower, nextCursor: watermark.seen, floor: watermark.floor }),
      format: query.cursor === undefined ? undefined : this.#format,
      deployment,
      // Only the sync that began a full refresh may continue it.
      syncId: this.#incremental ? undefined : this.#syncId,
    };
  }

  #announce(plan: QueryPlan): void {
    if (plan.kind === 'failed' || plan.kind === 'done') return;
    const { query, log } = this.#options;
    if (plan.kind === 'walk' && plan.why !== undefined)
      log.warn(`Query stream "${query.name}" is read from its beginning: ${plan.why}.`);
    if (this.#incremental && query.cursor === undefined)
      log.warn(`Query stream "${query.name}" has no cursor field, so every sync reads all of it.`);
    const how = {
      walk: 'from its beginning',
      changes: 'the changes since the last sync',
      resume: 'from where the last run stopped',
    };
    log.info(`Reading query stream "${query.name}" (${query.query}), ${how[plan.kind]}.`);
  }

  #summary(): void {
    const { query, log } = this.#options;
    const { count, empty } = this.#records;
    log.info(`Read ${counted(count, 'record')} of query stream "${query.name}".`);
    if (empty > 0)
      log.warn(
        `Query stream "${query.name}": ${counted(empty, 'record')} without any field ${empty === 1 ? 'was' : 'were'} left out.`,
      );
  }
}
