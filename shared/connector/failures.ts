/**
 * Explains errors of a deployment to the user: each `Reason` as an Airbyte failure, with its remedy (DEC62).
 * Expired positions are explained by the source, which knows the streams.
 */
import { ConnectorFailure, type FailureType } from '../core/failure.ts';
import { ConvexApiError } from '../convex/errors.ts';
import { proxySetting } from '../convex/proxy-env.ts';

export interface Circumstances {
  /** Host of the deployment. */
  host: string;
  /** The permission that the key needs. */
  permission:
    | 'deployment:data:view'
    | 'deployment:backups:import'
    | `deployment:functions:runInternal${'Queries' | 'Mutations' | 'Actions'}`;
  /** In a check the user can correct the URL; in a sync a network failure is more likely. */
  during: 'check' | 'sync';
}

const WHERE_KEYS_ARE_MADE =
  'Deploy keys are made in the Convex dashboard under Settings → URL & Deploy Key; the admin key of a self-hosted deployment is made with its generate_admin_key script.';

/** The failure that explains a `ConvexApiError`; other errors are returned as they are. */
export function explain(error: unknown, circumstances: Circumstances): unknown {
  if (!(error instanceof ConvexApiError)) return error;
  const { host, permission, during } = circumstances;
  const said = [error.status, error.code].filter((part) => part !== undefined).join(' ');
  const mendable: FailureType = during === 'check' ? 'config_error' : 'transient_error';
  const fail = (type: FailureType, message: string) =>
    new ConnectorFailure(type, message, type === 'config_error' ? {} : { cause: error });
  const config = (message: string) => fail('config_error', message);
  switch (error.reason) {
    case 'unreachable':
      return fail(
        mendable,
        `${host} could not be reached (${said}${error.detail === undefined ? '' : `: ${error.detail}`})${effort(error)}. ${remedyOf(error)}`,
      );
    case 'not-convex':
      if (error.obstacle !== undefined)
        return fail(mendable, `${host} answered, but ${error.message}. ${remedyOf(error)}`);
      return fail(
        mendable,
        `${host} answered, but not as a Convex deployment does${effort(error)}: ${error.message}. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.`,
      );
    case 'bad-key':
      return config(
        `${host} does not accept the deploy key (${said}). It may be mistyped, revoked, or belong to another deployment. Use a key of this deployment with the permission ${permission}. ${WHERE_KEYS_ARE_MADE}`,
      );
    case 'not-permitted':
      return config(
        `The deploy key is valid for ${host} but lacks the permission ${permission} (${said}). Make a key that has it. ${WHERE_KEYS_ARE_MADE}`,
      );
    case 'no-streaming-export':
      return config(
        `The plan of ${host} does not include streaming export (${said}). It is part of Convex's Professional plan (https://www.convex.dev/plans), and always available on self-hosted deployments.`,
      );
    case 'stopped':
      return config(
        `${host} is paused, disabled or suspended (${said}). Resume it in the Convex dashboard, where Settings and Usage say why it was stopped.`,
      );
    case 'no-deployment':
      return config(
        `There is no deployment at ${host} (${said}): it was deleted, or the deployment URL is mistyped. Use the URL that the Convex dashboard shows under Settings → URL & Deploy Key.`,
      );
    case 'expired':
      return config(`${host} does not keep its change log far enough back any more (${said}). Refresh the stream.`);
    case 'bad-position':
      return config(
        `${host} does not know the saved position (${said}): the state is of another deployment, or the deployment was restored from a backup since. Refresh (or clear) the stream to read it anew.`,
      );
    case 'no-route':
      return config(`${host} answered, but ${error.message}: the backend is older than this route. Update it.`);
    case 'transient':
      return fail(
        'transient_error',
        `${host} does not answer as it should at the moment${effort(error)}: ${error.message}. ${during === 'check' ? `Try again in a few minutes.${hints(error)}` : 'Nothing that was committed is lost; the next sync goes on from there.'}`,
      );
    case 'refused':
      return fail(
        during === 'check' ? 'config_error' : 'system_error',
        `${host} refused a request: ${error.message}${error.detail === undefined ? '' : `: ${error.detail}`}`,
      );
  }
}

/** Further causes that a check may have hit. */
function hints(error: ConvexApiError): string {
  return `${error.obstacle === undefined ? '' : ` ${remedyOf(error)}`}${proxyHint()}`;
}

function effort({ tries, elapsed }: ConvexApiError): string {
  return tries > 1 ? `, although it was tried ${tries} times over ${Math.max(1, Math.round(elapsed / 1000))} s` : '';
}

const NETWORK =
  'Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that this machine may connect to it (firewall, allow list).';

/** The remedy, in whole sentences. */
function remedyOf({ obstacle, code = '' }: ConvexApiError): string {
  switch (obstacle) {
    case 'certificate':
      return certificateRemedy(code);
    case 'wants-https':
      return 'The server wants TLS: write the deployment URL with https:// instead of http://.';
    case 'may-want-https':
      return 'If the server wants TLS, write the deployment URL with https:// instead of http://.';
    case 'wants-http':
      return 'The server does not speak TLS at this port: check the port, or, for a self-hosted deployment without TLS, write the deployment URL with http:// instead of https://.';
    case 'network':
    case 'proxy':
    case undefined:
      return `${NETWORK}${proxyHint()}`;
  }
}

function certificateRemedy(code: string): string {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'The TLS certificate of the server is for another host: use the host that it names in the deployment URL.';
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return 'The TLS certificate of the server is not valid today: renew it, or set the clock of this machine.';
  return 'The TLS certificate of the server was issued by an authority that this machine does not know. Name the file of its certificate (PEM) in the environment variable NODE_EXTRA_CA_CERTS: the authority of a self-hosted deployment, or that of a proxy that looks into TLS.';
}

/** Points to a proxy in the environment, which is a common cause. Leaves out its user name and password. */
function proxyHint(): string {
  const proxy = proxySetting('https:', process.env) ?? proxySetting('http:', process.env);
  if (proxy === undefined) return '';
  const { variable, address, heeded } = proxy;
  if (!heeded)
    return ` The environment variable ${variable} does not begin with http:// or https://, so it is ignored: other kinds of proxies are not supported.`;
  return ` The environment names a proxy (${variable}${address === undefined ? '' : `: ${address}`}): check that it is right and lets this connection through, or list the host in NO_PROXY.`;
}
