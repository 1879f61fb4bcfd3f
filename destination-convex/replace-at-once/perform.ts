/** Carries out an import: waits for it, compares it with what was sent, confirms it, awaits its end. */
import { ConnectorFailure, configError, systemError } from '../../shared/core/failure.ts';
import type { Log } from '../../shared/core/log.ts';
import { ConvexApiError } from '../../shared/convex/errors.ts';
import { failureOf, type ImportState, type SnapshotImport } from '../../shared/convex/snapshot-import.ts';
import { testOverride } from '../../shared/connector/test-override.ts';
import type { StreamPlan } from '../streams.ts';
import type { TableUpload } from './table-upload.ts';

/** Milliseconds. `deadline`: without any progress. */
const POLL = { first: 200, longest: 5_000, deadline: 60 * 60_000, progress: 30_000 };

/** Milliseconds in which an import refused for a passing reason is tried again; between two tries. */
const RETRY = { most: 10 * 60_000, first: 5_000, longest: 60_000 };

export interface Replacing {
  api: SnapshotImport;
  log: Log;
  upload: TableUpload;
  /** Whether the table is replaced by one request, since the key cannot follow imports. */
  whole: boolean;
}

/**
 * Resolves when the table is replaced. Otherwise it is as it was. An import that was refused for a passing
 * reason is over and has changed nothing, so another one is made of the same upload.
 */
export async function replaceTable(replacing: Replacing): Promise<void> {
  const { api, log, upload, whole } = replacing;
  const { stream, rows } = upload;
  const deadline = performance.now() + testOverride('POLL_DEADLINE_MS', RETRY.most);
  let delay = testOverride('POLL_MS', RETRY.first);
  let refusal: PassingRefusal | undefined;
  for (;;) {
    try {
      if (whole) return await replaceByOneRequest(upload);
      const importId = await finished(upload, refusal);
      return await perform({ api, log, stream, importId, rows, uncertain: upload.uncertain });
    } catch (error) {
      if (!(error instanceof PassingRefusal) || performance.now() + delay > deadline) throw error;
      if (refusal === undefined) log.info(`${error.told} It is tried again for up to ten minutes.`);
      refusal = error;
    }
    await new Promise((resolve) => setTimeout(resolve, delay));
    delay = Math.min(2 * delay, Math.max(RETRY.longest, delay));
  }
}

/** Only local storage surely makes several imports of one upload. If not, the refusal is reported. */
async function finished(upload: TableUpload, refusal: PassingRefusal | undefined): Promise<string> {
  try {
    return await upload.finish();
  } catch (error) {
    throw refusal ?? error;
  }
}

/** The import is over and has changed nothing; the same one may succeed later. */
class PassingRefusal extends ConnectorFailure {
  /** What happened, without what the user can do. */
  readonly told: string;

  constructor(told: string, remedy: string) {
    super('transient_error', `${told} ${remedy}`);
    this.told = told;
  }
}

interface Performing {
  api: SnapshotImport;
  log: Log;
  stream: StreamPlan;
  importId: string;
  /** Rows that were sent. */
  rows: number;
  /** Whether a part may have been stored twice. */
  uncertain: boolean;
}

/** Resolves when the table is replaced. Otherwise the import is canceled, and the table is as it was. */
async function perform(performing: Performing): Promise<void> {
  const { api, log, importId, rows, stream } = performing;
  try {
    const uploaded = rowsIn(await follow(performing, 'waiting_for_confirmation'));
    compareRows(performing, uploaded);
    await api.perform(importId);
    // An import writes all rows of its upload or none, so the upload has the number if the answer has none.
    const written = rowsIn(await follow(performing, 'completed')) ?? uploaded;
    if (written !== rows) throw otherRows(stream, written, rows);
  } catch (error) {
    // The failure is what the user has to know. An import that cannot be canceled now ends by itself.
    await api.cancel(importId).catch(() => {
      log.warn(`The import into table ${stream.table} could not be canceled.`);
    });
    throw error;
  }
}

/** As `perform`, for a key that cannot follow imports. */
async function replaceByOneRequest(upload: TableUpload): Promise<void> {
  const { stream, rows } = upload;
  let written: number;
  try {
    written = await upload.replaceAtOnce();
  } catch (error) {
    if (error instanceof ConvexApiError && error.code === 'ImportFailed') throw failed(stream, error.detail ?? '');
    throw error;
  }
  if (written !== rows) throw otherRows(stream, written, rows);
}

function rowsIn(state: ImportState): number | undefined {
  return 'rows' in state ? state.rows : undefined;
}

function otherRows({ table }: StreamPlan, found: number | undefined, sent: number): ConnectorFailure {
  return systemError(
    found === undefined
      ? `Table ${table} was replaced. ${sent} rows were sent, and Convex does not say how many it wrote. Sync again, and report this. If it happens again, set "How tables are replaced" to "Clear, then insert".`
      : `Table ${table} was replaced by ${found} rows, and ${sent} were sent. Sync again, and report this.`,
  );
}

function compareRows({ rows, uncertain, stream }: Performing, found: number | undefined): void {
  if (found === rows || (found === undefined && !uncertain)) return;
  throw new ConnectorFailure(
    'transient_error',
    `The upload for table ${stream.table} has ${found ?? 'an unknown number of'} rows, and ${rows} were sent${uncertain ? ': the answer to a part was lost, and the part was stored twice' : ''}. The table was not changed. The next attempt uploads it again.`,
  );
}

/** Polls until the import is in this state. Throws where it failed, or makes no progress. */
async function follow(performing: Performing, wanted: ImportState['state']): Promise<ImportState> {
  const { api, log, stream, importId, rows } = performing;
  const deadline = testOverride('POLL_DEADLINE_MS', POLL.deadline);
  let delay = testOverride('POLL_MS', POLL.first);
  let seen = '';
  let changed = performance.now();
  let told = changed;
  for (;;) {
    const state = await stateOf(api, importId);
    if (state.state === wanted) return state;
    if (state.state === 'failed') throw failed(stream, state.message);
    const now = performance.now();
    const text = JSON.stringify(state);
    if (text !== seen) {
      seen = text;
      changed = now;
    }
    if (now - changed > deadline) {
      throw new ConnectorFailure(
        'transient_error',
        `The import into table ${stream.table} has made no progress for ${Math.round((now - changed) / 1000)} s (${state.state}). Another import of the deployment may be in its way. It was canceled, and the table was not changed.`,
      );
    }
    if (now - told >= POLL.progress) {
      told = now;
      log.info(
        state.state === 'in_progress'
          ? `Replacing table ${stream.table}: ${state.rows ?? 0} of ${rows} rows.`
          : `The import into table ${stream.table} waits for the deployment to read it. Imports run one after the other.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, delay));
    delay = Math.min(1.5 * delay, Math.max(POLL.longest, delay));
  }
}

async function stateOf(api: SnapshotImport, importId: string): Promise<ImportState> {
  try {
    return await api.stateOf(importId);
  } catch (error) {
    if (!(error instanceof ConvexApiError) || error.reason !== 'not-permitted') throw error;
    throw configError(
      'The deploy key lacks the permission deployment:backups:view, which following an import needs. Make a key with the permissions deployment:backups:import and deployment:backups:view.',
    );
  }
}

/** The message of the deployment may hold a row, so it is not repeated. */
function failed({ table, text, descriptor }: StreamPlan, message: string): ConnectorFailure {
  const what = `Convex did not replace table ${table} by the records of stream "${text}"`;
  const kept = 'The table is as it was.';
  const later = (why: string) => new ConnectorFailure('transient_error', `${what}: ${why} ${kept}`);
  switch (failureOf(message)) {
    case 'backfilling':
      return new PassingRefusal(
        `${what}: an index of the table is still being built. ${kept}`,
        'Sync again when it is ready.',
      );
    case 'canceled':
      return later('somebody canceled the import.');
    case 'schema-changed':
      return new PassingRefusal(`${what}: the deployment's schema was changed meanwhile. ${kept}`, 'Sync again.');
    case 'too-old':
      return later('the import waited too long for others. Sync again.');
    case 'not-json':
      return later('what it received is not what was sent. Sync again.');
    case 'schema':
      return configError(
        `${what}: a record does not match the deployment's schema for this table. ${kept} Change the schema, or mend the records.`,
        descriptor,
      );
    case 'foreign-key':
    case 'ids':
      return configError(
        `${what}: other tables of the deployment refer to it in a way that does not allow it. ${kept} Set "How tables are replaced" to "Clear, then insert".`,
        descriptor,
      );
    case 'other':
      return systemError(
        `${what}. ${kept} What Convex says of it may hold a record, so it is not repeated here: the Convex dashboard shows it under Settings → Backup & Restore. Set "How tables are replaced" to "Clear, then insert" if it happens again.`,
      );
  }
}
