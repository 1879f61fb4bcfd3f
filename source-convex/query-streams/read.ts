/** The verb `read` for query streams: one after the other, each on its own. */
import type { Context } from '../../shared/airbyte/connector.ts';
import { descriptorKey, descriptorOf } from '../../shared/airbyte/descriptor.ts';
import { ConnectorFailure } from '../../shared/airbyte/failure.ts';
import type { ConfiguredAirbyteStream } from '../../shared/airbyte/protocol.generated.ts';
import type { StreamStates } from '../../shared/airbyte/state-file.ts';
import { connectFunctions } from '../../shared/connector/deployment.ts';
import { ConvexError, type Reason } from '../../shared/convex/errors.ts';
import { Functions } from '../../shared/convex/functions.ts';
import type { SourceConfig } from '../config.generated.ts';
import { syncIdOf } from '../sync-id.ts';
import { counted } from '../words.ts';
import type { QueryStream } from './config.ts';
import { asArgument } from './cursor-value.ts';
import { explainQuery } from './failures.ts';
import { Frontier } from './frontier.ts';
import type { QueryPage } from './page.ts';
import { planQuery, type QueryNeed } from './plan.ts';
import type { QueryState } from './state.ts';
import { afterRecord, QueryRun } from './stream.ts';
import { QueryFailed, QueryWalk } from './walk.ts';

/** A query stream that the catalog selects. */
export interface Selected {
  stream: QueryStream;
  configured: ConfiguredAirbyteStream;
}

/** Resolves to false if some stream could not be read; its TRACE has been written then. */
export async function readQueryStreams(
  config: SourceConfig,
  selected: readonly Selected[],
  states: StreamStates,
  context: Context,
): Promise<boolean> {
  const { http, host, name } = connectFunctions(config, 'airbyte-export', 'sync', context.log);
  const functions = new Functions(http, config.value_format);
  let succeeded = true;
  let fatal: ConnectorFailure | undefined;
  for (const { stream, configured } of selected) {
    const reading = new QueryReading({ stream, configured, states, context, functions, config, deployment: name });
    try {
      if (fatal === undefined) await reading.run();
      else reading.fail(fatal);
    } catch (error) {
      const failure = explainQuery(error, stream, { host, config, during: 'sync' });
      if (!(failure instanceof ConnectorFailure)) throw failure;
      reading.fail(failure);
      if (isFatal(error)) fatal = failure;
    }
    succeeded &&= !reading.failed;
  }
  return succeeded;
}

/** After these, no other stream can be read either. */
const FATAL: ReadonlySet<Reason> = new Set(['unreachable', 'stopped', 'no-deployment', 'bad-key']);

function isFatal(error: unknown): boolean {
  return error instanceof ConvexError && FATAL.has(error.reason);
}

interface ReadingOptions extends Selected {
  states: StreamStates;
  context: Context;
  functions: Functions;
  config: SourceConfig;
  deployment: string | undefined;
}

class QueryReading {
  failed = false;
  readonly #options: ReadingOptions;
  readonly #run: QueryRun;
  readonly #need: QueryNeed;
  readonly #incremental: boolean;
  readonly #syncId: number | undefined;
  #started = false;
  #empty = 0;

  constructor(options: ReadingOptions) {
    const { stream, configured, states, context, deployment } = options;
    const descriptor = descriptorOf(stream.name);
    this.#options = options;
    this.#run = new QueryRun(descriptor, stream.query, context);
    this.#incremental = configured.sync_mode === 'incremental';
    this.#syncId = syncIdOf(configured);
    this.#need = planQuery({
      stream,
      descriptor,
      incremental: this.#incremental,
      syncId: this.#syncId,
      raw: states.get(descriptorKey(descriptor)),
      deployment,
    });
  }

  /** Throws what explains itself by `explainQuery`. */
  async run(): Promise<void> {
    this.#start();
    const need = this.#need;
    switch (need.kind) {
      case 'failed':
        this.fail(need.failure);
        return;
      case 'done':
        this.#run.moveTo(need.state);
        break;
      case 'walk':
        this.#announce(need);
        await this.#walk(null, undefined);
        break;
      case 'changes':
        this.#announce(need);
        await this.#walk(null, { ...need.state, nextCursor: undefined });
        break;
      case 'resume':
        this.#announce(need);
        await this.#walk(need.state.pageCursor, need.state);
        break;
    }
    this.#run.complete();
    this.#summary();
  }

  fail(failure: ConnectorFailure): void {
    this.#start();
    this.failed = true;
    this.#run.fail(failure);
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#run.start();
  }

  /** Walks from a position to the end. `before`: the state that the walk goes on from, or began with. */
  async #walk(position: string | null, before: QueryState | undefined): Promise<void> {
    const { stream, functions, config, context } = this.#options;
    const walk = new QueryWalk(functions, stream, (before, now, { text }) =>
      context.log.warn(
        `Query stream "${stream.name}": the query could not give a page of ${counted(before, 'record')} (${text}). Trying pages of ${counted(now, 'record')}.`,
      ),
    );
    const since = before?.cursor === undefined ? undefined : asArgument(before.cursor, config.value_format ?? 'json');
    let cursor = position;
    let frontier = new Frontier(stream, before);
    let restarted = false;
    for (;;) {
      try {
        for await (const page of walk.pages({ cursor, since })) {
          this.#write(page, frontier);
          this.#run.moveTo(this.#stateAt(page.next, frontier));
          cursor = page.next;
          this.#run.checkpoint();
          await context.writer.room();
        }
        return;
      } catch (error) {
        if (!(error instanceof QueryFailed) || error.failure.kind !== 'bad-cursor' || cursor === null || restarted)
          throw error;
        context.log.warn(
          `Query stream "${stream.name}": the query does not know the position any more at which reading was to go on, probably because it was changed. Reading begins again from where this walk began.`,
        );
        restarted = true;
        cursor = null;
        frontier = new Frontier(stream, before === undefined ? undefined : { ...before, nextCursor: undefined });
      }
    }
  }

  #write({ buffer, places, empty }: QueryPage, frontier: Frontier): void {
    const after = afterRecord(Date.now());
    for (let i = 0; i < places.length; i += 2) {
      const start = places[i]!;
      const end = places[i + 1]!;
      if (frontier.passes(buffer, start, end)) this.#run.write(buffer, start, end, after);
    }
    this.#empty += empty;
  }

  #stateAt(next: string | null, frontier: Frontier): QueryState {
    const { stream, deployment } = this.#options;
    const { fingerprint } = stream;
    // A full refresh says in each state which sync it belongs to: only that one may go on with it.
    const syncId = this.#incremental ? undefined : this.#syncId;
    if (next !== null) {
      const { lower, seen } = frontier;
      return {
        fingerprint,
        pageCursor: next,
        hasMore: true,
        cursor: lower,
        nextCursor: seen,
        deployment,
        syncId,
      };
    }
    return {
      fingerprint,
      pageCursor: null,
      hasMore: false,
      cursor: frontier.reached,
      nextCursor: undefined,
      deployment,
      syncId,
    };
  }

  #announce(need: QueryNeed): void {
    const { stream, context } = this.#options;
    const { log } = context;
    const { name, query } = stream;
    if (need.kind === 'walk' && need.why !== undefined)
      log.warn(`Query stream "${name}" is read from its beginning: ${need.why}.`);
    if (this.#incremental && stream.cursor === undefined)
      log.warn(`Query stream "${name}" has no cursor field, so every sync reads all of it.`);
    const how = {
      walk: 'from its beginning',
      changes: 'the changes since the last sync',
      resume: 'from where the last run stopped',
    };
    log.info(`Reading query stream "${name}" (${query}), ${how[need.kind as keyof typeof how]}.`);
  }

  #summary(): void {
    const { stream, context } = this.#options;
    context.log.info(`Read ${counted(this.#run.records, 'record')} of query stream "${stream.name}".`);
    if (this.#empty > 0)
      context.log.warn(
        `Query stream "${stream.name}": ${counted(this.#empty, 'record')} without any field ${this.#empty === 1 ? 'was' : 'were'} left out.`,
      );
  }
}
