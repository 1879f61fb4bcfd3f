/** The forward proxy named in the environment, as Node's agents read it. */

export interface ProxySetting {
  /** The variable that names it, such as `HTTPS_PROXY`. */
  variable: string;
  /** Host and port without user name and password; undefined if the value is not a URL. */
  address: string | undefined;
  /** False: Node ignores the value, since it does not begin with http:// or https://. */
  heeded: boolean;
}

/** The proxy for URLs of this protocol. Ignores NO_PROXY, which Node applies. */
export function proxySetting(protocol: string, env: NodeJS.ProcessEnv): ProxySetting | undefined {
  // Lower case first, as in Node.
  const names = protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY'];
  const variable = names.find((name) => env[name]);
  if (variable === undefined) return undefined;
  const value = env[variable]!;
  const heeded = value.startsWith('http://') || value.startsWith('https://');
  try {
    const { hostname, port, protocol: scheme } = new URL(heeded ? value : `http://${value.replace(/^\w+:\/\//, '')}`);
    return { variable, address: `${hostname}:${port || (scheme === 'https:' ? '443' : '80')}`, heeded };
  } catch {
    return { variable, address: undefined, heeded };
  }
}
