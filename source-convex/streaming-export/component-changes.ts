/**
 * Whether the change log shows the tables of components. Backends before 2026-08-11 leave them out and report
 * no changes (C72), so an incremental stream of a component would lose its changes without an error.
 */
import type { Log } from '../../shared/core/log.ts';
import { configError } from '../../shared/core/failure.ts';
import { ConvexApiError } from '../../shared/convex/errors.ts';
import type { ActiveSyncsRoute, StreamingExport } from '../../shared/convex/streaming-export.ts';
import type { ReadEvent } from '../output/events.ts';
import type { TableStream } from './table-stream.ts';
import { names } from '../../shared/core/text.ts';

/** Fails incremental streams of components on a backend that is too old. Warns if its age is unknown. */
export function* checkComponentChanges(
  route: ActiveSyncsRoute,
  host: string,
  all: readonly TableStream[],
  log: Log,
): Generator<ReadEvent> {
  const streams = all.filter(({ planned, failed }) => planned.incremental && planned.component !== '' && !failed);
  if (streams.length === 0 || route === 'present') return;
  if (route !== 'absent') {
    log.warn(
      `${host} does not tell whether its backend is older than 2026-08-11 (${route.answer}). The change log of such a backend leaves the tables of components out, so changes of ${names(streams)} would be lost. Make sure that the backend is newer, or sync these streams with full refresh.`,
    );
    return;
  }
  for (const stream of streams)
    yield stream.fail(
      configError(
        `The backend of ${host} is older than 2026-08-13. Before 2026-08-11 the change log of Convex left the tables of components out, so changes of stream "${stream.name}" would be lost. Update the backend, or sync this stream with full refresh, which is complete there. If it was synced incrementally from a backend that old, refresh it after the update: changes were lost.`,
        stream.planned.descriptor,
      ),
    );
}

/** Whether the backend is of 2026-08-13 or later (C90). Throws `ConvexApiError`. */
export async function activeSyncsRoute(api: StreamingExport): Promise<ActiveSyncsRoute> {
  try {
    return await api.activeSyncsRoute();
  } catch (error) {
    // Failures of the key, the plan or the connection stop the run: other requests would fail as well.
    if (!(error instanceof ConvexApiError) || !(error.reason === 'not-convex' || error.reason === 'refused'))
      throw error;
    return { answer: error.message };
  }
}
