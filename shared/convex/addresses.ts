/**
 * Addresses as users write them: a deployment's URL, and its HTTP actions (C198). A cloud deployment has
 * these at `https://happy-otter-123.convex.site`, a self-hosted one on another port or host, which only its
 * operator knows.
 */

/** The text is no such address. The message repeats only what may be one: it may be a misplaced key. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
}

/** A host of Convex's cloud without a scheme. Others may be a misplaced key, or need http. */
const BARE_HOST = /^[a-z0-9.-]+\.convex\.(?:cloud|site|dev)\.?(?:[/:?#]|$)/i;

/**
 * The origin of a deployment's URL, such as `https://happy-otter-123.convex.cloud`. Removes blanks, trailing
 * slashes and the final dot of the host. A host of the cloud may come without https://. `cloudOnly`: refuse
 * http, which would send the key unencrypted. Throws `AddressError`.
 */
export function deploymentOrigin(text: string, { cloudOnly = false }: { cloudOnly?: boolean } = {}): string {
  const given = text.trim();
  const trimmed = BARE_HOST.test(given) ? `https://${given}` : given;
  const example = 'It should look like https://happy-otter-123.convex.cloud.';
  if (trimmed === '') throw new AddressError(`The deployment URL is empty. ${example}`);
  if (!SCHEME.test(trimmed)) throw new AddressError(`The deployment URL does not start with https://. ${example}`);
  const url = parsed(trimmed, `The deployment URL is not a URL. ${example}`);
  if (hasUser(url))
    throw new AddressError(
      'The deployment URL contains a user name or a password. The deploy key belongs into the field for the key.',
    );
  if (url.hostname === 'dashboard.convex.dev')
    throw new AddressError(
      `The deployment URL is the address of the Convex dashboard. Use the URL of the deployment, which the dashboard shows under Settings → URL & Deploy Key. ${example}`,
    );
  if (url.search !== '' || url.hash !== '' || url.pathname.replace(/\/+$/, '') !== '')
    throw new AddressError(
      `The deployment URL has more than a host: leave out everything after ${url.protocol}//${url.host}.`,
    );
  if (url.hostname.endsWith('.convex.site'))
    throw new AddressError(
      `${url.host} serves HTTP actions. Use the deployment URL instead, which ends in .convex.cloud: https://${url.host.replace(/\.convex\.site$/, '.convex.cloud')}.`,
    );
  if (url.protocol === 'http:' && (cloudOnly || url.hostname.endsWith('.convex.cloud')))
    throw new AddressError(
      `The deployment URL uses http, which would send the deploy key in the clear. Use https://${url.host}.`,
    );
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

export interface HttpActionAddress {
  /** `https://happy-otter-123.convex.site` */
  origin: string;
  /** Path and query: `/arrived?from=airbyte` */
  path: string;
}

/**
 * The address of an HTTP action. `text`: a path of the deployment at `origin`, such as `/arrived`, or a whole
 * URL. `cloudOnly`: refuse http, which would send the secret unencrypted. Throws `AddressError`.
 */
export function httpActionAddress(
  text: string,
  origin: string,
  { cloudOnly = false }: { cloudOnly?: boolean } = {},
): HttpActionAddress {
  const given = text.trim();
  const example = 'https://happy-otter-123.convex.site/arrived';
  const whole = given.startsWith('/') ? `${siteOrigin(origin)}${given}` : given;
  if (!SCHEME.test(whole))
    throw new AddressError(
      `The HTTP action is given by its path, such as /arrived, or by its URL, such as ${example}.`,
    );
  const url = parsed(whole, `The HTTP action has no valid URL. It should look like ${example}.`);
  if (hasUser(url))
    throw new AddressError(
      'The URL of the HTTP action contains a user name or a password. The secret has a field of its own.',
    );
  if (url.hostname.endsWith('.convex.cloud'))
    throw new AddressError(
      `${url.host} is the deployment itself; its HTTP actions are at ${siteOrigin(`https://${url.host}`)}. Give their path alone.`,
    );
  if (url.protocol === 'http:' && (cloudOnly || url.hostname.endsWith('.convex.site')))
    throw new AddressError(
      `The URL of the HTTP action uses http, which would send the secret in the clear. Use https://${url.host}.`,
    );
  return { origin: url.origin, path: `${url.pathname}${url.search}` };
}

function siteOrigin(origin: string): string {
  const { host, protocol } = new URL(origin);
  if (host.endsWith('.convex.cloud')) return `${protocol}//${host.replace(/\.convex\.cloud$/, '.convex.site')}`;
  throw new AddressError(
    `Where the HTTP actions of ${host} are cannot be told from its address: self-hosted deployments have them on another port, or behind another name. Give the whole URL of the HTTP action, such as http://localhost:3211/arrived.`,
  );
}

const SCHEME = /^https?:\/\//i;

function parsed(text: string, problem: string): URL {
  if (!URL.canParse(text)) throw new AddressError(problem);
  const url = new URL(text);
  // Removes the final dot of a host: certificates do not have it, and names are compared.
  url.hostname = url.hostname.replace(/\.+$/, '');
  return url;
}

function hasUser({ username, password }: URL): boolean {
  return username !== '' || password !== '';
}
