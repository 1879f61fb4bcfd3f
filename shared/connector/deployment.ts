/** Makes connections from a connector's configuration, for the source and the destination. */
import { ConnectorFailure, configError } from '../core/failure.ts';
import type { Log } from '../core/log.ts';
import {
  AddressError,
  deploymentName,
  deploymentOrigin,
  httpActionAddress,
  type HttpActionAddress,
} from '../convex/addresses.ts';
import { ConvexClient, TIMEOUTS, type RetryNotice } from '../convex/client.ts';
import { proxySetting } from '../convex/proxy-env.ts';
import { CHECK_RETRIES, DISCOVER_RETRIES, SYNC_RETRIES, type RetryLimits } from '../convex/retry.ts';
import { testOverride } from './test-override.ts';
import { VERSION } from './version.ts';

export interface DeploymentConfig {
  deployment_url: string;
  access_key?: string;
  user_token?: string;
}

export interface Deployment {
  http: ConvexClient;
  /** Host without port, for messages. */
  host: string;
  /** See `deploymentName`. */
  name: string | undefined;
}

type Verb = 'check' | 'discover' | 'sync';
/** The name in the Convex-Client header (C13). */
type ClientName = 'airbyte-export' | 'streaming-import';

/** Milliseconds. A check only sends requests that are answered at once. */
const CHECK_RESPONSE = 15_000;

const RETRIES: Record<Verb, RetryLimits> = { check: CHECK_RETRIES, discover: DISCOVER_RETRIES, sync: SYNC_RETRIES };

/** Connects with the deploy key. `client`: for the Convex-Client header (C13). Throws config_errors. */
export function connect(config: DeploymentConfig, client: ClientName, during: Verb, log: Log): Deployment {
  const origin = originOf(config.deployment_url);
  if (config.access_key === undefined) throw configError('The configuration is not valid: access_key is missing.');
  return open({ origin, key: secretOf(config.access_key, 'deploy key'), scheme: 'Convex' }, client, during, log);
}

/** For function calls: as the user of `user_token`, by key, or anonymously (C193). Throws config_errors. */
export function connectFunctions(config: DeploymentConfig, client: ClientName, during: Verb, log: Log): Deployment {
  const { user_token: token, access_key: key } = config;
  if (token === undefined && key !== undefined) return connect(config, client, during, log);
  const origin = originOf(config.deployment_url);
  const secret = token === undefined ? undefined : secretOf(token, 'user token');
  return open({ origin, key: secret, scheme: 'Bearer' }, client, during, log);
}

/** To an HTTP action. `secret` is sent as a Bearer token. Throws a config_error or `AddressError`. */
export function connectSite(
  config: DeploymentConfig,
  path: string,
  secret: string | undefined,
  client: ClientName,
  log: Log,
): { http: ConvexClient; address: HttpActionAddress } {
  const address = httpActionAddress(path, originOf(config.deployment_url), { cloudOnly: isCloud() });
  const key = secret === undefined ? undefined : secretOf(secret, 'secret of the HTTP action');
  const { http } = open({ origin: address.origin, key, scheme: 'Bearer' }, client, 'sync', log);
  return { http, address };
}

/** Whether the platform is Airbyte Cloud, from where http would cross public networks. */
function isCloud(): boolean {
  return process.env['DEPLOYMENT_MODE']?.toUpperCase() === 'CLOUD';
}

function secretOf(text: string, what: string): string {
  const secret = text.trim();
  if (secret === '') throw configError(`The ${what} is empty.`);
  if (/^[\x21-\x7e]+$/.test(secret)) return secret;
  throw configError(
    `The ${what} contains blanks, line breaks or other characters that no ${what} has. Copy it once more, whole.`,
  );
}

function open(
  { origin, key, scheme }: { origin: string; key: string | undefined; scheme: 'Convex' | 'Bearer' },
  client: ClientName,
  during: Verb,
  log: Log,
): Deployment {
  const { hostname, protocol } = new URL(origin);
  refuseBadProxy(protocol);
  const retries = RETRIES[during];
  const http = new ConvexClient({
    origin,
    key,
    scheme,
    client: `${client}-${VERSION}`,
    userAgent: `airbyte-convex/${VERSION}`,
    retries: {
      ...retries,
      minDelay: testOverride('RETRY_MIN_MS', retries.minDelay),
      attempts: testOverride('RETRY_ATTEMPTS', retries.attempts),
    },
    timeouts: {
      connect: testOverride('CONNECT_MS', TIMEOUTS.connect),
      response: testOverride('RESPONSE_MS', during === 'check' ? CHECK_RESPONSE : TIMEOUTS.response),
      idle: testOverride('IDLE_MS', TIMEOUTS.idle),
    },
    onRetry: (notice) => log.warn(retryText(hostname, notice)),
  });
  return { http, host: hostname, name: deploymentName(hostname, scheme === 'Convex' ? (key ?? '') : '') };
}

/** Node's own error would contain the value, and so the proxy's password. */
function refuseBadProxy(protocol: string): void {
  const proxy = proxySetting(protocol, process.env);
  if (proxy?.heeded === true && proxy.address === undefined)
    throw configError(
      `The environment variable ${proxy.variable} is not the URL of a proxy. It should look like http://proxy.example.com:3128.`,
    );
}

function originOf(url: string): string {
  try {
    return deploymentOrigin(url, { cloudOnly: isCloud() });
  } catch (error) {
    if (error instanceof AddressError) throw new ConnectorFailure('config_error', error.message);
    throw error;
  }
}

function retryText(host: string, { error, failures, attempts, delay }: RetryNotice): string {
  return `${host}: ${error.message}. Try ${failures} of ${attempts}; trying again in ${(delay / 1000).toFixed(1)} s.`;
}
