/**
 * Where the HTTP actions of a deployment are: not at its own address. `https://happy-otter-123.convex.cloud`
 * has them at `https://happy-otter-123.convex.site`; a self-hosted deployment has them on another port, or
 * behind a name of its own, which only its operator knows.
 */

/**
 * The text names no HTTP action. Its message tells the user what would be right; it does not repeat what
 * could be a secret.
 */
export class HttpActionUrlError extends Error {
  override readonly name = 'HttpActionUrlError';
}

export interface HttpActionAddress {
  /** `https://happy-otter-123.convex.site` */
  origin: string;
  /** Path and query: `/arrived?from=airbyte` */
  path: string;
}

const EXAMPLE = 'https://happy-otter-123.convex.site/arrived';

/**
 * `text`: a path, `/arrived`, of the deployment at `origin`, or a whole URL. Throws `HttpActionUrlError`.
 * `cloudOnly`: http is refused, since it would send the secret in the clear.
 */
export function httpActionAddress(
  text: string,
  origin: string,
  { cloudOnly = false }: { cloudOnly?: boolean } = {},
): HttpActionAddress {
  const given = text.trim();
  if (given.startsWith('/')) return inSite(given, siteOrigin(origin));
  if (!/^https?:\/\//i.test(given))
    throw new HttpActionUrlError(
      `The HTTP action is given by its path, such as /arrived, or by its URL, such as ${EXAMPLE}.`,
    );
  const url = parsed(given);
  if (url.username !== '' || url.password !== '')
    throw new HttpActionUrlError(
      'The URL of the HTTP action contains a user name or a password. The secret has a field of its own.',
    );
  if (url.hostname.endsWith('.convex.cloud')) {
    throw new HttpActionUrlError(
      `${url.host} is the deployment itself; its HTTP actions are at ${siteOrigin(`https://${url.host}`)}. Give their path alone.`,
    );
  }
  if (url.protocol === 'http:' && (cloudOnly || url.hostname.endsWith('.convex.site')))
    throw new HttpActionUrlError(
      `The URL of the HTTP action uses http, which would send the secret in the clear. Use https://${url.host}.`,
    );
  return { origin: url.origin, path: `${url.pathname}${url.search}` };
}

function siteOrigin(origin: string): string {
  const { host, protocol } = new URL(origin);
  if (host.endsWith('.convex.cloud')) return `${protocol}//${host.replace(/\.convex\.cloud$/, '.convex.site')}`;
  throw new HttpActionUrlError(
    `Where the HTTP actions of ${host} are cannot be told from its address: self-hosted deployments have them on another port, or behind another name. Give the whole URL of the HTTP action, such as http://localhost:3211/arrived.`,
  );
}

function inSite(path: string, origin: string): HttpActionAddress {
  const url = parsed(`${origin}${path}`);
  return { origin: url.origin, path: `${url.pathname}${url.search}` };
}

function parsed(text: string): URL {
  try {
    const url = new URL(text);
    // The dot of a fully qualified name: certificates do not have it, and the checks above should not miss
    // the cloud for it.
    url.hostname = url.hostname.replace(/\.+$/, '');
    return url;
  } catch {
    throw new HttpActionUrlError(`The HTTP action has no valid URL. It should look like ${EXAMPLE}.`);
  }
}
