/**
 * Calls a mutation, an action or an HTTP action of the app after a successful sync, with a summary. The call
 * is made after every record is durable and the echoed STATEs were read, except those that wait for the whole
 * sync (see `WriteSession.succeed`). It is made at least once: it is repeated if an answer is lost, or if the
 * process ends before the sync does. `syncId` and `runId` tell such calls apart.
 */
import type { Context } from '../shared/airbyte/connector.ts';
import { ConnectorFailure, configError } from '../shared/core/failure.ts';
import { connectFunctions, connectSite } from '../shared/connector/deployment.ts';
import { ConvexApiError } from '../shared/convex/errors.ts';
import { safeFailure } from '../shared/convex/function-failure.ts';
import { FunctionPathError, parseFunctionPath } from '../shared/convex/function-path.ts';
import { Functions } from '../shared/convex/functions.ts';
import { postToHttpAction } from '../shared/convex/http-actions.ts';
import { AddressError } from '../shared/convex/addresses.ts';
import type { DestinationConfig } from './config.generated.ts';
import type { SyncSummary } from './sync-summary.ts';

/** Calls the app. Resolves when it has answered. Throws a `ConnectorFailure` if that fails the sync. */
type AfterSync = (summary: SyncSummary) => Promise<void>;

/** The configured call, if any. Throws a config_error if it cannot be made. */
export function afterSyncOf(config: DestinationConfig, context: Context): AfterSync | undefined {
  const { kind, path, secret, on_failure: onFailure } = config.after_sync ?? {};
  if (kind === undefined && !path?.trim()) return undefined;
  if (kind === undefined)
    throw configError('After a sync: choose what is called: a mutation, an action or an HTTP action.');
  if (!path?.trim()) throw configError(`After a sync: enter the path of the ${kind}.`);
  const call =
    kind === 'HTTP action' ? httpAction(config, path, secret, context) : functionCall(config, kind, path, context);
  return async (summary) => {
    try {
      await call(summary);
      context.log.info(`The ${kind} ${path.trim()} was called.`);
    } catch (error) {
      const failure = explain(error, `${kind} ${path.trim()}`);
      if (onFailure === 'Fail sync' || !(failure instanceof ConnectorFailure)) throw failure;
      context.log.warn(failure.message);
    }
  };
}

function functionCall(
  config: DestinationConfig,
  kind: 'mutation' | 'action',
  path: string,
  { log }: Context,
): AfterSync {
  const text = understood(() => parseFunctionPath(path));
  const { http } = connectFunctions(config, 'streaming-import', 'sync', log);
  const functions = new Functions(http);
  return async (summary) => {
    const result = await functions.call(kind, text, summary);
    if (result.status === 'success') return;
    const { kind: why, text: what } = safeFailure(result);
    throw new ConnectorFailure(
      why === 'own' || why === 'too-much' ? 'transient_error' : 'config_error',
      why === 'own' ? `it failed with ${what}` : what,
    );
  };
}

function httpAction(config: DestinationConfig, path: string, secret: string | undefined, { log }: Context): AfterSync {
  const { http, address } = understood(() =>
    connectSite(config, path, secret?.trim() || undefined, 'streaming-import', log),
  );
  return (summary) => postToHttpAction(http, address.path, JSON.stringify(summary));
}

function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FunctionPathError || error instanceof AddressError)
      throw configError(`After a sync: ${error.message}`);
    throw error;
  }
}

const DURABLE = 'All data is written';

function explain(error: unknown, what: string): unknown {
  const fail = (type: ConnectorFailure['failureType'], why: string) =>
    new ConnectorFailure(type, `${DURABLE}, but the ${what} could not be called: ${why}.`);
  if (error instanceof ConnectorFailure) return fail(error.failureType, error.message);
  if (!(error instanceof ConvexApiError)) return error;
  const tried = error.tries > 1 ? `, although it was tried ${error.tries} times` : '';
  const { status, reason } = error;
  if (status === 401 || status === 403 || reason === 'bad-key')
    return fail('config_error', `${error.message}. Check its secret, or the permission of the deploy key`);
  if (status === 404)
    return fail('config_error', `${error.message}. Check its path, and that it takes POST and is deployed`);
  const isTransient = error.retry || reason === 'transient' || reason === 'unreachable';
  return fail(isTransient ? 'transient_error' : 'config_error', `${error.message}${tried}`);
}
