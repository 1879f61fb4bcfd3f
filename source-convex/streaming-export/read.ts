/** Reads the tables of a sync: finds the tables, plans the streams, chooses how changes are read. */
import {
  descriptorKey,
  descriptorOfKey,
  descriptorText,
  type StreamStates,
} from '../../shared/core/stream-descriptor.ts';
import type { Log } from '../../shared/core/log.ts';
import { connect } from '../../shared/connector/deployment.ts';
import { explain } from '../../shared/connector/failures.ts';
import { DataSync } from '../../shared/convex/data-sync.ts';
import { StreamingExport } from '../../shared/convex/streaming-export.ts';
import type { ConfiguredStream } from '../catalog.ts';
import type { SourceConfig } from '../config.generated.ts';
import type { ReadEvent } from '../output/events.ts';
import { counted, names } from '../../shared/core/text.ts';
import { DataSyncChanges } from '../data-sync/read-changes.ts';
import { ChangeLogReader } from './change-reader.ts';
import { activeSyncsRoute, checkComponentChanges } from './component-changes.ts';
import { existingTables } from './existing-tables.ts';
import { planStreams } from './plan.ts';
import { TableReader } from './read-tables.ts';
import { TableStream } from './table-stream.ts';
import { WalkFailures } from './walk-failures.ts';

/** A table that the catalog selects. */
export interface SelectedTable {
  /** Index by which events name its stream. */
  index: number;
  configured: ConfiguredStream;
}

/** Yields the events of the tables. Throws a `ConnectorFailure` where no table can be read. */
export async function* readTables(
  config: SourceConfig,
  selected: readonly SelectedTable[],
  states: StreamStates,
  log: Log,
): AsyncGenerator<ReadEvent, void> {
  const { http, host, name } = connect(config, 'airbyte-export', 'sync', log);
  const api = new StreamingExport(http, config.value_format);
  try {
    const tables = await existingTables(api, log);
    const configured = selected.map((stream) => stream.configured);
    const streams = planStreams({ configured, states, tables, deployment: name }).map(
      (planned, i) => new TableStream(selected[i]!.index, planned, name),
    );
    reportUnknownStates(states, streams, log);
    reportDeselected(streams, log);
    for (const { index } of streams) yield { kind: 'started', stream: index };
    for (const stream of streams) if (stream.plan.kind === 'failed') yield stream.fail(stream.plan.failure);
    const resync = config.expired_cursor_behavior === 'Re-sync data';
    const failures = new WalkFailures({ host, log, resync });
    const follows = canFollow(config, streams);
    const incremental = streams.filter(isIncremental);
    const asks = incremental.some(({ planned }) => follows || planned.component !== '');
    const route = asks ? await activeSyncsRoute(api) : 'absent';
    if (follows && typeof route === 'object')
      log.warn(`${host} does not tell whether it has Data Sync (${route.answer}). The change log is read instead.`);
    yield* checkComponentChanges(route, host, streams, log);
    const changes =
      route === 'present' && follows
        ? new DataSyncChanges({ api, sync: new DataSync(http), format: config.value_format ?? 'json', log, failures })
        : new ChangeLogReader({ api, log, failures, keepsPlaces: follows });
    yield* new TableReader({ api, host, streams, log, failures, changes }).read();
  } catch (error) {
    throw explain(error, { host, permission: 'deployment:data:view', during: 'sync' });
  }
}

function isIncremental({ planned, failed }: TableStream): boolean {
  return planned.incremental && !failed;
}

/** Whether Data Sync is allowed and can select these tables: not a component named `_other` (C54). */
function canFollow({ changes_from: changesFrom }: SourceConfig, streams: readonly TableStream[]): boolean {
  return changesFrom !== 'Change log' && !streams.some(({ planned }) => planned.component === '_other');
}

function reportDeselected(streams: readonly TableStream[], log: Log): void {
  for (const { name, planned } of streams) {
    const { excluded } = planned;
    if (excluded.length === 0) continue;
    const are = excluded.length === 1 ? 'is not selected, so it is' : 'are not selected, so they are';
    const list = names(excluded.map((column) => ({ name: column })));
    log.info(`${counted(excluded.length, 'column')} of ${name} ${are} not read: ${list}.`);
  }
}

function reportUnknownStates(states: StreamStates, streams: readonly TableStream[], log: Log): void {
  const known = streams.filter(({ planned }) => states.has(descriptorKey(planned.descriptor))).length;
  const unknown = states.size - known;
  if (known === 0 && unknown > 0) {
    const held = [...states.keys()].map((key) => ({ name: descriptorText(descriptorOfKey(key)) }));
    log.warn(
      `The state holds ${counted(unknown, 'stream')} (${names(held)}), but none that the catalog selects: every stream is read from its beginning. If a sync should have gone on, use the state of this connection.`,
    );
  } else if (unknown > 0)
    log.info(`The state also holds ${counted(unknown, 'stream')} that the catalog does not select.`);
}
