import type { IncomingHttpHeaders } from 'node:http';
import { badRequest, HttpError } from './errors.ts';

interface ClientVersion {
  client: string;
  /** Undefined where the version is no semantic version; such a one counts as older than any. */
  version: string | undefined;
}

/** Versions up to which a client is refused, or told to upgrade (crates/common/deprecation.json). */
const THRESHOLDS = new Map([
  ['npm', { unsupported: '0.19.1', upgrade: '0.19.1', advice: advice('`npx convex update` or `npm update`', 'npm') }],
  [
    'npm-cli',
    { unsupported: '0.19.1', upgrade: '0.19.1', advice: advice('`npx convex update` or `npm update`', 'npm') },
  ],
  [
    'actions',
    { unsupported: '0.19.1', upgrade: '0.19.1', advice: advice('`npx convex update` or `npm update`', 'npm') },
  ],
  ['python', { unsupported: '0.0.2', upgrade: '0.2.0', advice: advice('`pip install --upgrade convex`', 'python') }],
  [
    'rust',
    {
      unsupported: '0.0.1',
      upgrade: '0.0.1',
      advice: advice('`cargo update -p convex` or by updating `Cargo.toml`', 'rust'),
    },
  ],
]);

function advice(command: string, language: string): string {
  return `Update your Convex ${language} version with ${command}.`;
}

const SEMVER = /^(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

/**
 * Looks at the Convex-Client header (crates/common/src/version.rs). Returns headers for the answer.
 * @throws 400 `InvalidClientVersion` without a dash (C13), 400 `ClientVersionUnsupported` for some old clients
 */
export function checkClientVersion(headers: IncomingHttpHeaders): Record<string, string> {
  const header = headers['convex-client']?.toString();
  if (header === undefined) return {};
  const { client, version } = parse(header);
  const threshold = THRESHOLDS.get(client);
  if (threshold === undefined) return {};
  const shown = version ?? header.slice(client.length + 1);
  if (notAfter(version, threshold.unsupported)) {
    const message = `The Convex ${client} package at version ${shown} is no longer supported. ${threshold.advice}`;
    throw new HttpError(400, 'ClientVersionUnsupported', message, deprecation('Unsupported', message));
  }
  if (!notAfter(version, threshold.upgrade)) return {};
  return deprecation(
    'UpgradeRequired',
    `The Convex ${client} package at ${shown} is deprecated and will no longer be supported soon. When this version ` +
      'is no longer supported, requests to Convex will fail, so it is best to upgrade and redeploy your application as ' +
      `soon as possible. ${threshold.advice}`,
  );
}

function deprecation(state: 'Unsupported' | 'UpgradeRequired', message: string): Record<string, string> {
  return { 'x-convex-deprecation-state': state, 'x-convex-deprecation-message': message };
}

/** The name of the client that the Convex-Client header tells, in small letters; `unknown` without it. */
export function clientName(headers: IncomingHttpHeaders): string {
  const header = headers['convex-client']?.toString();
  return header === undefined ? 'unknown' : parse(header).client;
}

/** The longest semantic version at the end belongs to the version, all before it is the client's name. */
function parse(header: string): ClientVersion {
  const parts = header.split('-');
  if (parts.length < 2) {
    throw badRequest(
      'InvalidClientVersion',
      `Failed to parse client version string: '${header}'. Expected format is {client_name}-{semver}, e.g. ` +
        'my-esolang-client-0.0.1',
    );
  }
  for (let start = 1; start < parts.length; start++) {
    const version = parts.slice(start).join('-');
    if (SEMVER.test(version)) return { client: clientType(parts.slice(0, start).join('-')), version };
  }
  return { client: clientType(parts[0] ?? ''), version: undefined };
}

function clientType(name: string): string {
  const client = name.toLowerCase();
  return client === 'python-convex' ? 'python' : client;
}

function notAfter(version: string | undefined, threshold: string): boolean {
  if (version === undefined) return true;
  const [numbers, limits] = [version, threshold].map((text) => (SEMVER.exec(text) ?? []).slice(1, 4).map(Number));
  for (const [position, limit] of (limits ?? []).entries()) {
    const number = numbers?.[position] ?? 0;
    if (number !== limit) return number < limit;
  }
  return true;
}
