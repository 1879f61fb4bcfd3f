/** The deployment's URL as users write it, and the deployment's name. */

export class DeploymentUrlError extends Error {
  override readonly name = 'DeploymentUrlError';
}

/**
 * A host of Convex's cloud without a scheme. Other texts without one are refused: they may be a key in the
 * wrong field, or a self-hosted host that needs http.
 */
const BARE_HOST = /^[a-z0-9.-]+\.convex\.(?:cloud|site|dev)\.?(?:[/:?#]|$)/i;

/**
 * The origin of a URL, such as `https://happy-otter-123.convex.cloud`. Removes blanks, trailing slashes and
 * the final dot of the host, which certificates do not have. A host of the cloud may come without https://.
 *
 * Throws `DeploymentUrlError`, whose message is for the user. It does not repeat a text that cannot be a URL:
 * it may be a key in the wrong field.
 */
export function deploymentOrigin(text: string, { cloudOnly = false }: { cloudOnly?: boolean } = {}): string {
  const given = text.trim();
  const trimmed = BARE_HOST.test(given) ? `https://${given}` : given;
  const example = 'It should look like https://happy-otter-123.convex.cloud.';
  if (trimmed === '') throw new DeploymentUrlError(`The deployment URL is empty. ${example}`);
  if (!/^https?:\/\//i.test(trimmed))
    throw new DeploymentUrlError(`The deployment URL does not start with https://. ${example}`);
  let url: URL;
  try {
    url = new URL(trimmed);
  } catch {
    throw new DeploymentUrlError(`The deployment URL is not a URL. ${example}`);
  }
  url.hostname = url.hostname.replace(/\.+$/, '');
  if (url.username !== '' || url.password !== '') {
    throw new DeploymentUrlError(
      'The deployment URL contains a user name or a password. The deploy key belongs into the field for the key.',
    );
  }
  if (url.hostname === 'dashboard.convex.dev') {
    throw new DeploymentUrlError(
      `The deployment URL is the address of the Convex dashboard. Use the URL of the deployment, which the dashboard shows under Settings → URL & Deploy Key. ${example}`,
    );
  }
  if (url.search !== '' || url.hash !== '' || url.pathname.replace(/\/+$/, '') !== '') {
    throw new DeploymentUrlError(
      `The deployment URL has more than a host: leave out everything after ${url.protocol}//${url.host}.`,
    );
  }
  if (url.hostname.endsWith('.convex.site')) {
    throw new DeploymentUrlError(
      `${url.host} serves HTTP actions. Use the deployment URL instead, which ends in .convex.cloud: https://${url.host.replace(/\.convex\.site$/, '.convex.cloud')}.`,
    );
  }
  if (url.protocol === 'http:' && (cloudOnly || url.hostname.endsWith('.convex.cloud'))) {
    throw new DeploymentUrlError(
      `The deployment URL uses http, which would send the deploy key in the clear. Use https://${url.host}.`,
    );
  }
  return url.origin;
}

/**
 * The name of a deployment; undefined if unknown. A saved position of another deployment is recognised by it.
 * Addresses cannot be compared: one self-hosted deployment may be reached by several.
 *
 * The name is the first label of a cloud host (`happy-otter-123.convex.cloud`), else the part of the deploy
 * key before its secret (`prod:happy-otter-123|…`, self-hosted `name|…`). Keys of previews and projects have
 * none.
 */
export function deploymentName(hostname: string, key: string): string | undefined {
  if (hostname.endsWith('.convex.cloud')) return hostname.split('.', 1)[0];
  return /^(?:(?:prod|dev):)?([^:|]+)\|/.exec(key)?.[1];
}
