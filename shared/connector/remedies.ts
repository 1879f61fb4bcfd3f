/** What to do where a deployment could not be reached. */
import type { ConvexApiError } from '../convex/errors.ts';
import { proxySetting } from '../convex/proxy-env.ts';

const NETWORK =
  'Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that this machine may connect to it (firewall, allow list).';

/** The remedy for `error`, in whole sentences. `env` names the proxies. */
export function remedyOf({ obstacle, code = '' }: ConvexApiError, env: NodeJS.ProcessEnv): string {
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
      return `${NETWORK}${proxyHint(env)}`;
  }
}

function certificateRemedy(code: string): string {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'The TLS certificate of the server is for another host: use the host that it names in the deployment URL.';
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return 'The TLS certificate of the server is not valid today: renew it, or set the clock of this machine.';
  return 'The TLS certificate of the server was issued by an authority that this machine does not know. Name the file of its certificate (PEM) in the environment variable NODE_EXTRA_CA_CERTS: the authority of a self-hosted deployment, or that of a proxy that looks into TLS.';
}

/** A proxy that nobody thinks of is a common reason. Its user name and password are left out. */
export function proxyHint(env: NodeJS.ProcessEnv): string {
  const proxy = proxySetting('https:', env) ?? proxySetting('http:', env);
  if (proxy === undefined) return '';
  const { variable, address, heeded } = proxy;
  if (!heeded)
    return ` The environment variable ${variable} does not begin with http:// or https://, so it is ignored: other kinds of proxies are not supported.`;
  return ` The environment names a proxy (${variable}${address === undefined ? '' : `: ${address}`}): check that it is right and lets this connection through, or list the host in NO_PROXY.`;
}
