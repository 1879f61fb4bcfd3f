/** Explains to the user why a query stream cannot be read. */
import { ConnectorFailure } from '../../shared/core/failure.ts';
import { explain } from '../../shared/connector/failures.ts';
import { notConvex } from '../../shared/convex/client.ts';
import { ConvexApiError } from '../../shared/convex/errors.ts';
import { JsonError } from '../../shared/json/raw.ts';
import type { SourceConfig } from '../config.generated.ts';
import type { QueryStream } from './config.ts';
import { ResultError } from './page.ts';
import { QueryFailed } from './walk.ts';

export interface QueryCircumstances {
  host: string;
  config: SourceConfig;
  during: 'check' | 'sync';
}

/** The `ConnectorFailure` that explains an error of a query stream; other errors are returned as they are. */
export function explainQuery(error: unknown, stream: QueryStream, circumstances: QueryCircumstances): unknown {
  const { host, config, during } = circumstances;
  const subject = `Query stream "${stream.name}": the query ${stream.query}`;
  if (error instanceof QueryFailed) return failed(error, subject, circumstances);
  if (error instanceof ResultError) return new ConnectorFailure('config_error', `${subject} ${error.message}.`);
  if (error instanceof ConvexApiError && error.reason === 'bad-key' && config.user_token !== undefined) {
    const said = [error.status, error.code].filter((part) => part !== undefined).join(' ');
    return new ConnectorFailure(
      'config_error',
      `${host} does not accept the user token (${said}). Users' tokens expire, often within the hour, and are only valid for the auth providers of the deployment's auth.config. Give a new one, or leave it out and use a deploy key, which does not expire.`,
    );
  }
  const cause =
    error instanceof JsonError ? notConvex(`a record of the query ${stream.query}: ${error.message}`, 200) : error;
  return explain(cause, { host, permission: 'deployment:functions:runInternalQueries', during });
}

function failed({ failure: { kind, text } }: QueryFailed, subject: string, { config, during }: QueryCircumstances) {
  const fail = (remedy: string) =>
    new ConnectorFailure('config_error', `${subject} cannot be read: ${text}. ${remedy}`);
  switch (kind) {
    case 'not-found':
      return fail(
        config.user_token !== undefined || config.access_key === undefined
          ? 'Check its path and that it is deployed. Internal queries can only be called with a deploy key, and without a user token.'
          : 'Check its path and that it is deployed.',
      );
    case 'wrong-type':
      return fail('Query streams are read by queries only.');
    case 'arguments':
      return fail('Check the arguments of the query stream against those of the query.');
    case 'too-much':
      return fail(
        'Convex bounds what a query may read and return at a time. Use a paginated query, over an index rather than a filter, and smaller pages.',
      );
    case 'bad-cursor':
      return fail(
        'It does not take the cursor that it has just given. Either the range of its index changes from call to call, for example because it is computed from Date.now(): pass the bound as an argument of the query stream instead. Or it does not return the continueCursor of paginate(paginationOpts) as it is.',
      );
    case 'stopped':
      return fail('Resume it in the Convex dashboard.');
    case 'own':
      // A failure of the app's own code may pass, so it is not a config_error in a sync.
      return new ConnectorFailure(
        during === 'check' ? 'config_error' : 'transient_error',
        `${subject} failed with ${text}.`,
      );
  }
}
