/**
 * Addresses of HTTP actions (C198). A cloud deployment has them at `https://happy-otter-123.convex.site`. A
 * self-hosted one has them on another port or host, which only its operator knows.
 */

/**
 * The text is not the address of an HTTP action. The message says what would be, and repeats nothing that may
 * be a secret.
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
 * The address of an HTTP action. `text`: a path of the deployment at `origin`, such as `/arrived`, or a whole
 * URL. `cloudOnly`: refuse http, which would send the secret unencrypted. Throws `HttpActionUrlError`.
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
    // Removes the final dot of a host: certificates do not have it, and the checks below compare names.
    url.hostname = url.hostname.replace(/\.+$/, '');
    return url;
  } catch {
    throw new HttpActionUrlError(`The HTTP action has no valid URL. It should look like ${EXAMPLE}.`);
  }
}
